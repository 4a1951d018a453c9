/** Definitions that the tests launch. The network "prod" is the managed one of the test cluster. */
export type Spec = Readonly<Record<string, unknown>>;

/** An app with one address of "prod" per instance and 1 mbit/s each way. */
export const webApp = (id: string, more: Spec = {}): Spec => ({
  id,
  cmd: 'sleep 1000',
  instances: 1,
  cpus: 0.01,
  mem: 1,
  networks: [{ mode: 'container', name: 'prod' }],
  env: { net_in: '1mbit', net_out: '1mbit' },
  ...more,
});

/** A pod of one container with one address of "prod" per instance. */
export const webPod = (id: string, instances = 1, more: Spec = {}): Spec => ({
  id,
  containers: [
    { name: 'main', resources: { cpus: 0.01, mem: 1 }, exec: { command: { shell: 'sleep 1000' } } },
  ],
  environment: { net_in: '1mbit', net_out: '1mbit' },
  executorResources: { cpus: 0.01, mem: 1, disk: 0 },
  networks: [{ mode: 'container', name: 'prod' }],
  scaling: { kind: 'fixed', instances },
  ...more,
});

/** An app without any address of ours. */
export const plainApp = (id: string, more: Spec = {}): Spec => ({
  id,
  cmd: 'sleep 1000',
  instances: 1,
  cpus: 0.01,
  mem: 1,
  ...more,
});
