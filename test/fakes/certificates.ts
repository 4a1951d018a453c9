import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificates {
  /** Whom to trust, PEM. */
  readonly ca: string;
  /** Of a server on 127.0.0.1. */
  readonly cert: string;
  readonly key: string;
}

/** A new authority, and a server that it vouches for. */
export function makeCertificates(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'corral-tls-'));
  const at = (name: string): string => join(directory, name);
  const openssl = (...argv: readonly string[]): void =>
    void execFileSync('openssl', argv, { stdio: 'pipe' });
  const request = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  try {
    openssl(
      ...['req', '-x509', ...request, '-days', '2', '-subj', '/CN=corral test authority'],
      ...['-keyout', at('ca.key'), '-out', at('ca.pem')],
    );
    openssl(
      ...['req', '-new', ...request, '-subj', '/CN=master.example.org'],
      ...['-keyout', at('key.pem'), '-out', at('request.pem')],
    );
    writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1\n');
    openssl(
      ...['x509', '-req', '-in', at('request.pem'), '-days', '2', '-extfile', at('names')],
      ...['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-out', at('cert.pem')],
    );
    const [ca = '', cert = '', key = ''] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) =>
      readFileSync(at(name), 'utf8'),
    );
    return { ca, cert, key };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
