/** How this Marathon fills in what a definition leaves open; from GET /v2/info. */
export interface MarathonContext {
  /** `--default_network_name`: the name of a container network that has none. */
  readonly defaultNetworkName?: string;
  /** `--mesos_bridge_name`. */
  readonly bridgeName: string;
  /** `--local_port_min` and `_max`: service ports that Marathon assigns, both ends included. */
  readonly servicePorts: { readonly from: number; readonly to: number };
}

/** Marathon's own defaults. */
export const PLAIN_CONTEXT: MarathonContext = {
  bridgeName: 'mesos-bridge',
  servicePorts: { from: 10_000, to: 20_000 },
};
