import Joi from 'joi';
import { BadMesosAnswer } from '../errors.ts';

/** Which fence a Mesos can carry, and why, for `corral doctor`. */
export interface FenceAbility {
  readonly fence: 'deactivate' | 'token' | 'none';
  /** Of the leading master, as it says it. */
  readonly version: string;
  readonly why: string;
}

interface WireMasterInfo {
  readonly get_master: {
    readonly master_info: {
      readonly version?: string;
      readonly capabilities?: readonly { readonly type?: string }[];
    };
  };
}

const open = Joi.object().unknown();
const info = open.keys({
  version: Joi.string(),
  capabilities: Joi.array().items(open.keys({ type: Joi.string() })),
});
const answerSchema = open.keys({
  get_master: open.keys({ master_info: info.required() }).required(),
});

/** 1.10.0 closed two holes of 1.9: a crash (MESOS-10116), and a task that could still start after the 200. */
const DEACTIVATES_SINCE = [1, 10] as const;
/** `--min_allocatable_resources`. */
const TOKEN_SINCE = [1, 7] as const;

/**
 * From the answer to GET_MASTER. The agents' own versions do not matter: nothing is sent to them.
 *
 * @throws BadMesosAnswer
 */
export function abilityOf(answer: unknown): FenceAbility {
  const { error } = answerSchema.validate(answer, { convert: false });
  if (error) throw new BadMesosAnswer('GET_MASTER', error.message);
  const { version = 'unknown', capabilities = [] } = (answer as WireMasterInfo).get_master
    .master_info;
  const drains = capabilities.some(({ type }) => type === 'AGENT_DRAINING');
  return { version, ...judged(version, drains) };
}

function judged(version: string, drains: boolean): Omit<FenceAbility, 'version'> {
  const number = numberOf(version);
  if (!number) return { fence: 'none', why: `"${version}" is no version that can be compared` };
  if (!reaches(number, TOKEN_SINCE))
    return { fence: 'none', why: `Mesos ${version} has no call that takes an agent out of offers` };
  if (!reaches(number, DEACTIVATES_SINCE))
    return {
      fence: 'token',
      why: `DEACTIVATE_AGENT is safe from Mesos 1.10 on; this is ${version}`,
    };
  return drains
    ? { fence: 'deactivate', why: `Mesos ${version} can deactivate an agent` }
    : { fence: 'token', why: `the master of Mesos ${version} lacks the capability AGENT_DRAINING` };
}

type Version = readonly [major: number, minor: number];

/** `1.12.0-dev` is 1.12. */
function numberOf(version: string): Version | undefined {
  const [, major, minor] = /^(\d{1,4})\.(\d{1,4})(?:[.-]|$)/.exec(version) ?? [];
  return major === undefined || minor === undefined ? undefined : [Number(major), Number(minor)];
}

const reaches = ([major, minor]: Version, [least, leastMinor]: Version): boolean =>
  major > least || (major === least && minor >= leastMinor);
