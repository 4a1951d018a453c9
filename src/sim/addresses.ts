/** A container that is about to start and wants one address per network. */
export interface TakeRequest {
  readonly node: string;
  /** Of the node, as Mesos writes them. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly task: string;
  /** Canonical id of the app or pod. */
  readonly app: string;
  readonly networks: readonly string[];
  /** What the container will see; secrets are left out. Empty where the real caller gets none. */
  readonly env: Readonly<Record<string, string>>;
  /** Network -> labels of that network. Empty for Docker containers, as Marathon drops them there. */
  readonly labels: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export type Taken =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly message: string };

export interface GiveRequest {
  readonly node: string;
  readonly task: string;
}

/**
 * Who hands out addresses on the nodes of the pretend cluster. `take` is called once per instance,
 * after the image pull; `give` once after a container that got addresses is gone. A `take` that
 * rejects counts as a refusal; `give` must succeed when nothing is held.
 */
export interface AddressSource {
  take(request: TakeRequest): Promise<Taken>;
  give(request: GiveRequest): Promise<void>;
}
