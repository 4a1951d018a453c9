import Joi from 'joi';
import { gateBounds, type GateBounds } from './gate-bounds.ts';
import { brakeSchema, type BrakeSettings } from './gate-brake.ts';
import { httpUrls, type Listen, listenOn, text } from './kinds.ts';

/** How Corral signs its own calls to Marathon and Mesos; clients' own credentials pass through. */
export interface OwnCredentials {
  readonly user?: string;
  readonly passwordFile?: string;
  readonly tokenFile?: string;
}

export interface GateSettings extends GateBounds {
  readonly listen: Listen;
  /** Empty: the simulated cluster. */
  readonly marathon: string[];
  readonly mesos: string[];
  readonly auth: OwnCredentials;
  readonly caFile?: string;
  readonly marathonRoles: string[];
  readonly whenLedgerDown: 'refuse' | 'pass';
  readonly hold: 'never' | 'label' | 'always';
  readonly reroute: boolean;
  readonly rateNames: { readonly in: string; readonly out: string };
  readonly secretPolicy: 'refuse' | 'default';
  readonly plugins: 'pass' | 'refuse';
  readonly trustForwarded: boolean;
  readonly forgetNodes: 'never' | 'gone';
  readonly brake: BrakeSettings;
}

const auth = Joi.object<OwnCredentials, true>({
  user: text().description('user of basic authentication for our own calls'),
  passwordFile: text().description('file that holds the password of that user'),
  tokenFile: text().description('file that holds a token, sent as "Authorization: token=..."'),
})
  .and('user', 'passwordFile')
  .nand('user', 'tokenFile')
  .default();

const rateNames = Joi.object({
  in: text()
    .pattern(/^[A-Za-z_][A-Za-z0-9_.-]*$/)
    .default('net_in')
    .description('variable or network label with the limit towards the container'),
  out: text()
    .pattern(/^[A-Za-z_][A-Za-z0-9_.-]*$/)
    .invalid(Joi.ref('in'))
    .default('net_out')
    .description('variable or network label with the limit from the container'),
}).default();

const choices = {
  whenLedgerDown: Joi.string()
    .valid('refuse', 'pass')
    .default('refuse')
    .description('refuse answers 503 while the ledger is down; pass lets changes by and logs each'),
  hold: Joi.string()
    .valid('never', 'label', 'always')
    .default('label')
    .description(
      'which apps start with what fits now and grow later; label: those that ask for it',
    ),
  reroute: Joi.boolean()
    .default(true)
    .description('add constraints to launches that only some nodes can hold'),
  secretPolicy: Joi.string()
    .valid('refuse', 'default')
    .default('refuse')
    .description("what a rate kept as a secret means: no admission, or the network's default"),
  plugins: Joi.string()
    .valid('pass', 'refuse')
    .default('refuse')
    .description('calls to /v2/plugins and leader restores, which could start anything unseen'),
  trustForwarded: Joi.boolean()
    .default(false)
    .description('keep the X-Forwarded headers of clients; only behind a proxy of your own'),
  forgetNodes: Joi.string()
    .valid('never', 'gone')
    .default('never')
    .description('release what a node holds once neither Mesos nor its agent knows of it'),
};

export const gateSchema = Joi.object<GateSettings, true>({
  listen: listenOn(8080, 'the gate'),
  marathon: httpUrls().description('base URLs of the Marathons; none starts the simulated cluster'),
  mesos: httpUrls().description('base URLs of the Mesos masters'),
  auth,
  caFile: text().description(
    'file with the certificates that sign those of Marathon and Mesos, PEM; those of the system unless given',
  ),
  marathonRoles: Joi.array()
    .items(text())
    .min(1)
    .default(['*'])
    .description('Mesos roles whose resources Marathon may use'),
  rateNames,
  ...choices,
  brake: brakeSchema,
  ...gateBounds,
});
