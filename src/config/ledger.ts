import Joi from 'joi';
import { text } from './kinds.ts';

export interface LedgerSettings {
  readonly kind: 'embedded' | 'etcd';
  readonly directory: string;
  readonly socket: string;
  readonly hosts: string[];
  readonly user?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export const ledgerSchema = Joi.object<LedgerSettings, true>({
  kind: Joi.string()
    .valid('embedded', 'etcd')
    .default('embedded')
    .description('embedded keeps everything in this process; etcd serves several gates'),
  directory: text().default('data/ledger').description('where the embedded ledger keeps its files'),
  socket: text()
    .max(107)
    .default('data/ledger.sock')
    .description('unix socket through which other commands reach the embedded ledger'),
  hosts: Joi.array()
    .items(Joi.string().uri({ scheme: ['http', 'https'] }))
    .default([])
    .when('kind', { is: 'etcd', then: Joi.array().min(1).required() })
    .description('URLs of the etcd members'),
  user: text().description('user that etcd knows us by'),
  passwordFile: text().description('file that holds the password of the etcd user'),
  caFile: text().description("file with the certificates that sign etcd's, PEM"),
  certFile: text().description('file with our own certificate for etcd, PEM'),
  keyFile: text().description('file with the key of that certificate, PEM'),
})
  .and('user', 'passwordFile')
  .and('certFile', 'keyFile');
