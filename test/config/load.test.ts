import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadSettings } from '../../src/config/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'corral-config-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): { path: string } => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return { path };
};
const from = (texts: readonly string[], environment: Record<string, string> = {}) =>
  loadSettings({ files: texts.map((text, index) => file(`${index}.yaml`, text)), environment });
/** What is thrown, with the folder cut off. */
const faultsOf = (texts: readonly string[], environment: Record<string, string> = {}): string[] => {
  try {
    from(texts, environment);
    return [];
  } catch (fault) {
    return (fault as { faults: string[] }).faults.map((line) => line.replaceAll(`${folder}/`, ''));
  }
};

describe('loadSettings', () => {
  it('needs nothing', () => {
    const { gate, ledger, console: board, log, sim } = loadSettings({ files: [], environment: {} });
    assert.deepEqual(gate.listen, { host: '127.0.0.1', port: 8080 });
    assert.deepEqual(gate.marathon, []);
    assert.equal(gate.decideWithinMs, 2000);
    assert.equal(gate.whenLedgerDown, 'refuse');
    assert.equal(gate.maxBodyBytes, 4 * 1024 * 1024);
    assert.deepEqual(gate.rateNames, { in: 'net_in', out: 'net_out' });
    assert.deepEqual(gate.auth, {});
    assert.equal(ledger.kind, 'embedded');
    assert.deepEqual(board.listen, { host: '127.0.0.1', port: 8090 });
    assert.equal(log.level, 'info');
    assert.deepEqual([sim.nodes, sim.marathon.port, sim.mesos.port], [6, 18080, 15050]);
  });

  for (const { says, texts, environment = {}, port, host = '127.0.0.1' } of [
    { says: 'takes what a file says', texts: ['gate: {listen: {port: 1}}'], port: 1 },
    {
      says: 'lets a later file win',
      texts: ['gate: {listen: {port: 1, host: "::1"}}', 'gate: {listen: {port: 2}}'],
      port: 2,
      host: '::1',
    },
    {
      says: 'lets the environment win',
      texts: ['gate: {listen: {port: 1}}'],
      environment: { CORRAL_GATE_LISTEN_PORT: '3' },
      port: 3,
    },
    { says: 'takes an empty file for silence', texts: ['', '# nothing\n', 'gate:\n'], port: 8080 },
    {
      says: 'takes every address',
      texts: ['gate: {listen: {host: "::"}}'],
      port: 8080,
      host: '::',
    },
    {
      says: 'leaves the variables of others alone',
      texts: [],
      environment: { CORRAL: 'x', CORRAL_HOME: 'y', GATE: 'z' },
      port: 8080,
    },
  ] as {
    says: string;
    texts: string[];
    environment?: Record<string, string>;
    port: number;
    host?: string;
  }[]) {
    it(says, () => assert.deepEqual(from(texts, environment).gate.listen, { host, port }));
  }

  it('reads lists, numbers and flags from the environment', () => {
    const { gate } = from([], {
      CORRAL_GATE_MARATHON: 'http://m1.example.org:8080, http://m2.example.org:8080',
      CORRAL_GATE_DECIDE_WITHIN_MS: '900',
      CORRAL_GATE_REROUTE: 'false',
    });
    assert.deepEqual(gate.marathon, ['http://m1.example.org:8080', 'http://m2.example.org:8080']);
    assert.equal(gate.decideWithinMs, 900);
    assert.equal(gate.reroute, false);
  });

  it('empties a list by an empty variable', () =>
    assert.deepEqual(
      from(['gate: {marathon: ["http://m.example.org"]}'], { CORRAL_GATE_MARATHON: '' }).gate
        .marathon,
      [],
    ));

  it('passes over an absent optional file', () =>
    assert.equal(
      loadSettings({
        files: [{ path: join(folder, 'none.yaml'), optional: true }],
        environment: {},
      }).sim.seed,
      1,
    ));
});

describe('loadSettings refuses', () => {
  for (const { says, texts, environment = {}, faults } of [
    { says: 'unknown sections', texts: ['gait: {}'], faults: ['gait is not allowed (0.yaml)'] },
    {
      says: 'unknown settings',
      texts: ['gate: {listn: {}}'],
      faults: ['gate.listn is not allowed (0.yaml)'],
    },
    {
      says: 'unknown variables of a section',
      texts: [],
      environment: { CORRAL_GATE_LISTN: '1' },
      faults: ['CORRAL_GATE_LISTN is not a setting'],
    },
    {
      says: 'numbers out of range',
      texts: ['gate: {decideWithinMs: 1}'],
      faults: ['gate.decideWithinMs must be greater than or equal to 50 (0.yaml)'],
    },
    {
      says: 'fractions',
      texts: ['gate: {decideWithinMs: 99.5}'],
      faults: ['gate.decideWithinMs must be an integer (0.yaml)'],
    },
    {
      says: 'text for a number, naming the variable',
      texts: ['gate: {decideWithinMs: 99}'],
      environment: { CORRAL_GATE_DECIDE_WITHIN_MS: 'soon' },
      faults: ['gate.decideWithinMs must be a number (CORRAL_GATE_DECIDE_WITHIN_MS)'],
    },
    {
      says: 'unknown choices',
      texts: ['gate: {hold: sometimes}'],
      faults: ['gate.hold must be one of [never, label, always] (0.yaml)'],
    },
    {
      says: 'URLs that are none',
      texts: ['gate: {marathon: ["marathon:8080"]}'],
      faults: [
        'gate.marathon[0] must be a valid uri with a scheme matching the http|https pattern (0.yaml)',
      ],
    },
    {
      says: 'a user without a password',
      texts: ['gate: {auth: {user: u}}'],
      faults: ['gate.auth contains [user] without its required peers [passwordFile] (0.yaml)'],
    },
    {
      says: 'two ways to sign in',
      texts: ['gate: {auth: {user: u, passwordFile: p, tokenFile: t}}'],
      faults: ['gate.auth: user must not exist simultaneously with [tokenFile] (0.yaml)'],
    },
    {
      says: 'etcd without members',
      texts: ['ledger: {kind: etcd}'],
      faults: ['ledger.hosts is required'],
    },
    {
      says: 'a certificate without its key',
      texts: ['ledger: {certFile: c}'],
      faults: ['ledger contains [certFile] without its required peers [keyFile] (0.yaml)'],
    },
    {
      says: 'one name for both directions',
      texts: ['gate: {rateNames: {in: bw, out: bw}}'],
      faults: ['gate.rateNames.out contains an invalid value (0.yaml)'],
    },
    {
      says: 'a list for a file',
      texts: ['[1, 2]'],
      faults: ['0.yaml must hold sections, each with its settings'],
    },
    {
      says: 'a setting said twice',
      texts: ['log: {level: info}\nlog: {level: warn}'],
      faults: ['0.yaml: Map keys must be unique at line 2, column 1:'],
    },
    {
      says: 'broken YAML',
      texts: ['gate: {'],
      faults: [
        '0.yaml: Flow map in block collection must be sufficiently indented and end with a } at line 1, column 8:',
      ],
    },
  ] as {
    says: string;
    texts: string[];
    environment?: Record<string, string>;
    faults: string[];
  }[]) {
    it(says, () => assert.deepEqual(faultsOf(texts, environment), faults));
  }

  it('a bomb of aliases', () => {
    const text = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [name, under] of [
      ['b', 'a'],
      ['c', 'b'],
      ['d', 'c'],
      ['e', 'd'],
    ])
      text.push(`${name}: &${name} [${Array(10).fill(`*${under}`).join(', ')}]`);
    assert.match(faultsOf([text.join('\n')])[0]!, /^0\.yaml: Excessive alias count/);
  });

  it('a file that is not there', () =>
    assert.throws(
      () => loadSettings({ files: [{ path: join(folder, 'none.yaml') }], environment: {} }),
      {
        code: 'bad-settings',
        message: /none\.yaml cannot be read: Error: ENOENT/,
      },
    ));

  it('everything at once, in one message', () =>
    assert.throws(
      () => from(['gate: {hold: x, listn: 1}', 'sim: {nodes: 0}'], { CORRAL_LOG_LEVEL: 'loud' }),
      {
        name: 'BadSettings',
        message:
          /^the settings have 4 faults:\n {2}gate\.hold.*\n {2}gate\.listn.*\n {2}log\.level.*\n {2}sim\.nodes.* \(.*1\.yaml\)$/s,
      },
    ));
});
