/** How the pretend Mesos masters are built and started. */
export interface MesosTraits {
  /** Decides which calls there are and what an agent's entry shows. */
  readonly version: string;
  /** Of the master. Those of `version` unless said otherwise. */
  readonly capabilities?: readonly string[];
  /** HTTP Basic, user -> password; the user is the principal. Absent: nobody is asked. */
  readonly credentials?: Readonly<Record<string, string>>;
  /** Principals that may switch, drain and reserve. Absent: everybody may. */
  readonly operators?: readonly string[];
  /**
   * A scalar of which every agent has 1 and which `--min_allocatable_resources` asks for: an agent whose
   * token is reserved for a role is not offered.
   */
  readonly token?: string;
}

export const DEFAULT_TRAITS: MesosTraits = { version: '1.11.0' };

/** The minor version, of a Mesos 1. */
export const minorOf = ({ version }: MesosTraits): number => Number(version.split('.')[1] ?? 0);

/** Calls DEACTIVATE_AGENT, REACTIVATE_AGENT, DRAIN_AGENT, and the flags that tell of them. */
export const canSwitch = (traits: MesosTraits): boolean => minorOf(traits) >= 9;

export const capabilitiesOf = (traits: MesosTraits): readonly string[] =>
  traits.capabilities ?? [
    'AGENT_UPDATE',
    ...(canSwitch(traits) ? ['AGENT_DRAINING', 'QUOTA_V2'] : []),
  ];

/** The master's command line, as GET_FLAGS tells it. */
export const flagsOf = ({ token }: MesosTraits): readonly { name: string; value: string }[] => [
  { name: 'allocation_interval', value: '1secs' },
  { name: 'registry', value: 'replicated_log' },
  ...(token === undefined
    ? []
    : [
        {
          name: 'min_allocatable_resources',
          value: `cpus:0.01;${token}:1|mem:32;${token}:1`,
        },
      ]),
];
