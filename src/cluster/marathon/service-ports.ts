import type { MarathonContext } from './canonical-context.ts';
import { type App, type JsonObject, numberAt, objectAt, objectsAt } from './json.ts';

const mappingsOf = (app: App): readonly JsonObject[] =>
  objectsAt(objectAt(app, 'container') ?? {}, 'portMappings');

/** Service ports in order; 0 stands for one that Marathon is to assign. */
function servicePorts(app: App): readonly number[] {
  const mappings = mappingsOf(app);
  if (mappings.length > 0) return mappings.map((port) => numberAt(port, 'servicePort') ?? 0);
  return objectsAt(app, 'portDefinitions').map((port) => numberAt(port, 'port') ?? 0);
}

/** `wanted` with each 0 replaced by the next of `free`, as long as there is one. */
function filled(wanted: readonly number[], free: readonly number[]): readonly number[] {
  const left = [...free];
  return wanted.map((port) => (port === 0 ? (left.shift() ?? 0) : port));
}

const withPorts = (items: readonly JsonObject[], key: string, ports: readonly number[]) =>
  items.map((item, index) => ({ ...item, [key]: ports[index] ?? 0 }));

/**
 * `after` with the service ports that Marathon carries over from `before`: a port 0 gets an assigned
 * port of the old definition that the new one does not name. Both canonical.
 *
 * @see Marathon's core/group/impl/AssignDynamicServiceLogic.scala
 */
export function withReusedPorts(before: App, after: App, context: MarathonContext): App {
  const { from, to } = context.servicePorts;
  const wanted = servicePorts(after);
  if (!wanted.includes(0)) return after;
  const free = servicePorts(before).filter(
    (port) => port >= from && port <= to && !wanted.includes(port),
  );
  const ports = filled(wanted, free);
  const container = objectAt(after, 'container');
  const mappings = mappingsOf(after);
  if (container === undefined || mappings.length === 0) {
    const definitions = withPorts(objectsAt(after, 'portDefinitions'), 'port', ports);
    return { ...after, portDefinitions: definitions };
  }
  const portMappings = withPorts(mappings, 'servicePort', ports);
  return { ...after, container: { ...container, portMappings } };
}
