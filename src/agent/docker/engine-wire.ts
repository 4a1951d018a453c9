import Joi from 'joi';
import { BadDockerAnswer } from '../errors.ts';

/** Docker's spelling: the fields that are read, of the many there are. Docker writes null for empty. */

type Texts = Readonly<Record<string, string>>;

export interface WireVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly KernelVersion?: string;
}

export interface WireInfo {
  readonly ID: string;
  readonly Name: string;
  readonly LiveRestoreEnabled: boolean;
  readonly Containers: number;
  readonly ContainersRunning: number;
}

export interface WirePool {
  readonly Subnet: string;
  readonly IPRange?: string;
  readonly Gateway?: string;
  readonly AuxiliaryAddresses?: Texts | null;
}

export interface WireEnd {
  readonly Name?: string;
  readonly EndpointID?: string;
  readonly MacAddress?: string;
  /** Address and prefix; empty when there is none. */
  readonly IPv4Address?: string;
  readonly IPv6Address?: string;
}

export interface WireNetwork {
  readonly Id: string;
  readonly Name: string;
  readonly Driver: string;
  readonly Scope: string;
  readonly Internal: boolean;
  readonly EnableIPv6: boolean;
  readonly IPAM: {
    readonly Driver?: string;
    readonly Options?: Texts | null;
    readonly Config?: readonly WirePool[] | null;
  };
  readonly Options?: Texts | null;
  readonly Labels?: Texts | null;
  readonly Containers?: Readonly<Record<string, WireEnd>> | null;
}

export interface WireAttachment {
  readonly NetworkID?: string;
  readonly EndpointID?: string;
  readonly MacAddress?: string;
  readonly IPAddress?: string;
  readonly GlobalIPv6Address?: string;
}

export interface WireSummary {
  readonly Id: string;
  readonly Names?: readonly string[] | null;
  readonly State: string;
  readonly Created: number;
  readonly Labels?: Texts | null;
  readonly NetworkSettings?: {
    readonly Networks?: Readonly<Record<string, WireAttachment>> | null;
  };
}

export interface WireContainer {
  readonly Id: string;
  readonly Name: string;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Restarting: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly Error: string;
  };
  readonly Config: { readonly Labels?: Texts | null; readonly Env?: readonly string[] | null };
  readonly HostConfig: {
    readonly NetworkMode?: string;
    readonly RestartPolicy?: { readonly Name?: string; readonly MaximumRetryCount?: number };
    readonly Privileged?: boolean;
    readonly CapAdd?: readonly string[] | null;
  };
  readonly NetworkSettings: {
    readonly SandboxKey?: string;
    readonly Networks?: Readonly<Record<string, WireAttachment>> | null;
  };
}

export interface WireEvent {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes?: Texts | null };
  readonly timeNano: number;
}

const text = Joi.string().allow('');
const texts = Joi.object().pattern(Joi.string().allow(''), text).allow(null);

const end = Joi.object({
  Name: text,
  EndpointID: text,
  MacAddress: text,
  IPv4Address: text,
  IPv6Address: text,
});

const attachments = Joi.object()
  .pattern(
    Joi.string(),
    Joi.object({
      NetworkID: text,
      EndpointID: text,
      MacAddress: text,
      IPAddress: text,
      GlobalIPv6Address: text,
    }),
  )
  .allow(null);

const network = Joi.object<WireNetwork>({
  Id: Joi.string().required(),
  Name: Joi.string().required(),
  Driver: text.required(),
  Scope: text.default('local'),
  Internal: Joi.boolean().default(false),
  EnableIPv6: Joi.boolean().default(false),
  IPAM: Joi.object({
    Driver: text,
    Options: texts,
    Config: Joi.array()
      .items(Joi.object({ Subnet: text, IPRange: text, Gateway: text, AuxiliaryAddresses: texts }))
      .allow(null),
  }).required(),
  Options: texts,
  Labels: texts,
  Containers: Joi.object().pattern(Joi.string(), end).allow(null),
});

const container = Joi.object<WireContainer>({
  Id: Joi.string().required(),
  Name: text.required(),
  State: Joi.object({
    Status: text.required(),
    Running: Joi.boolean().required(),
    Restarting: Joi.boolean().default(false),
    Pid: Joi.number().required(),
    ExitCode: Joi.number().default(0),
    Error: text.default(''),
  }).required(),
  Config: Joi.object({ Labels: texts, Env: Joi.array().items(text).allow(null) }).required(),
  HostConfig: Joi.object({
    NetworkMode: text,
    RestartPolicy: Joi.object({ Name: text, MaximumRetryCount: Joi.number() }),
    Privileged: Joi.boolean(),
    CapAdd: Joi.array().items(Joi.string()).allow(null),
  }).required(),
  NetworkSettings: Joi.object({ SandboxKey: text, Networks: attachments }).required(),
});

export const wire = {
  version: Joi.object<WireVersion>({
    Version: Joi.string().required(),
    ApiVersion: Joi.string().required(),
    KernelVersion: text,
  }),
  info: Joi.object<WireInfo>({
    ID: text.required(),
    Name: text.required(),
    LiveRestoreEnabled: Joi.boolean().default(false),
    Containers: Joi.number().required(),
    ContainersRunning: Joi.number().required(),
  }),
  network,
  networks: Joi.array<WireNetwork[]>().items(network),
  summaries: Joi.array<WireSummary[]>().items(
    Joi.object<WireSummary>({
      Id: Joi.string().required(),
      Names: Joi.array().items(text).allow(null),
      State: text.required(),
      Created: Joi.number().required(),
      Labels: texts,
      NetworkSettings: Joi.object({ Networks: attachments }),
    }),
  ),
  container,
  created: Joi.object<{ readonly Id: string }>({ Id: Joi.string().required() }),
  event: Joi.object<WireEvent>({
    Type: Joi.string().required(),
    Action: Joi.string().required(),
    Actor: Joi.object({ ID: text.required(), Attributes: texts }).required(),
    timeNano: Joi.number().unsafe().default(0),
  }),
};

/** A value of the shape; fields that are not in it are dropped. @throws BadDockerAnswer */
export function read<T>(schema: Joi.Schema<T>, value: unknown, what: string): T {
  const outcome = schema.validate(value, { stripUnknown: true, convert: false });
  if (outcome.error) throw new BadDockerAnswer(what, outcome.error.message);
  return outcome.value;
}
