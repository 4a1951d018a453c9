import { notFound } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { MAX_PER_OFFER } from '../scheduler/marathon.ts';
import { shownDeployment } from '../scheduler/deployments.ts';
import type { Waiting } from '../scheduler/launcher.ts';
import type { QueueStats } from '../scheduler/queue-stats.ts';
import { backoffKey, shown } from '../specs/spec.ts';
import type { World } from '../world.ts';
import { idOf } from './apps.ts';
import { type Handler, deploymentReply, flagOf } from './call.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

const summary = (stats: QueueStats): JsonObject => ({
  processedOffersCount: stats.processed,
  unusedOffersCount: stats.unused,
  ...(stats.lastUnusedMs !== undefined && { lastUnusedOfferAt: iso(stats.lastUnusedMs) }),
  ...(stats.lastUsedMs !== undefined && { lastUsedOfferAt: iso(stats.lastUsedMs) }),
  rejectSummaryLastOffers: stats.lastOffersSummary(),
  rejectSummaryLaunchAttempt: stats.launchAttempt(),
});

const unusedOffers = (stats: QueueStats): JsonObject[] =>
  [...stats.lastOffers].map(([node, reason]) => ({
    offer: { hostname: node.name, agentId: node.agentId },
    timestamp: iso(stats.lastUnusedMs ?? stats.sinceMs),
    reason: [reason],
  }));

const queueItem = (world: World, { spec, instances }: Waiting, withOffers: boolean): JsonObject => {
  const { launcher } = world.marathon;
  const stats = launcher.statsOf(spec);
  const left = launcher.backoff.left(backoffKey(spec), world.clock.now());
  const provisioned = world.marathon.instances
    .of(spec.id)
    .filter(({ condition }) => condition === 'Provisioned');
  return {
    [spec.kind]: shown(spec),
    count: instances.length + provisioned.length,
    role: spec.role,
    delay: { timeLeftSeconds: Math.ceil(left / 1000), overdue: left === 0 },
    since: iso(stats.sinceMs),
    processedOffersSummary: summary(stats),
    ...(withOffers && { lastUnusedOffers: unusedOffers(stats) }),
  };
};

const queue: Handler = ({ world, query }) => {
  const withOffers = query.getAll('embed').includes('lastUnusedOffers');
  const waiting = world.marathon.launcher.waiting();
  return { status: 200, body: { queue: waiting.map((one) => queueItem(world, one, withOffers)) } };
};

const resetDelay: Handler = (call) => {
  const { marathon } = call.world;
  const found = marathon.launcher.waiting().find(({ spec }) => spec.id === idOf(call));
  if (!found) throw notFound(`Application ${idOf(call)} not found in tasks queue. It`);
  marathon.resetDelay(found.spec);
  return { status: 204 };
};

const deployments: Handler = ({ world }) => ({
  status: 200,
  body: world.marathon.deployments.all().map(shownDeployment),
});

const cancelDeployment: Handler = (call) => {
  const { marathon } = call.world;
  const deployment = marathon.deployments.get(call.params[0] ?? '');
  if (!flagOf(call, 'force', false)) return deploymentReply(marathon.revert(deployment));
  marathon.deployments.cancel(deployment);
  return { status: 202 };
};

/** `self` and `leader` are host:port. */
export const infoReply = (world: World, leader: string, elected: boolean): JsonObject => ({
  name: 'marathon',
  version: '1.11.26',
  buildref: 'unknown',
  elected,
  leader,
  frameworkId: world.frameworkId,
  marathon_config: {
    master: 'zk://zk.example.org:2181/mesos',
    mesos_bridge_name: world.marathon.names.bridge,
    ...(world.marathon.names.defaultNetwork !== undefined && {
      default_network_name: world.marathon.names.defaultNetwork,
    }),
    checkpoint: true,
    failover_timeout: 604_800,
    features: ['secrets'],
    ha: true,
    hostname: 'marathon.example.org',
    max_instances_per_offer: MAX_PER_OFFER,
    task_launch_timeout: world.timing.launchTimeoutMs,
    webui_url: null,
  },
  zookeeper_config: { zk: 'zk://zk.example.org:2181/marathon', zk_max_versions: 50 },
  http_config: { http_port: Number(leader.split(':').at(-1)), https_port: 8443 },
});

export const operationHandlers = { queue, resetDelay, deployments, cancelDeployment };
