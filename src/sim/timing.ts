/** How long things take in the pretend cluster; ms unless said otherwise. */
export interface Timing {
  /** First pull of an image on a node takes something between these; later ones nothing. */
  readonly pullMs: readonly [number, number];
  /** From the address to TASK_RUNNING. */
  readonly startMs: number;
  /** From a refused address to TASK_FAILED; a real agent looks every half second, for up to 5 s. */
  readonly failMs: number;
  /** From a kill to the end of the container. */
  readonly killMs: number;
  /** From TASK_RUNNING to healthy, for specs with health checks. */
  readonly healthMs: number;
  /** From a new leading master to an agent's registration with it, something between these. */
  readonly reregisterMs: readonly [number, number];
  /** Mesos `--allocation_interval`. */
  readonly allocationMs: number;
  /** From an offer to the framework's answer. */
  readonly offerMs: number;
  /** Marathon `--decline_offer_duration`. */
  readonly declineMs: number;
  /** Marathon revives offers at most this often. */
  readonly reviveMs: number;
  /** Marathon's periodic scale check. */
  readonly scaleCheckMs: number;
  /** Launching longer than this is killed. */
  readonly launchTimeoutMs: number;
  /** Chance that a container that got its address fails at once all the same, 0..1. */
  readonly startFailure: number;
}

export const DEFAULT_TIMING: Timing = {
  pullMs: [2000, 6000],
  startMs: 500,
  failMs: 500,
  killMs: 500,
  healthMs: 2000,
  reregisterMs: [100, 2000],
  allocationMs: 1000,
  offerMs: 50,
  declineMs: 120_000,
  reviveMs: 5000,
  scaleCheckMs: 300_000,
  launchTimeoutMs: 300_000,
  startFailure: 0,
};
