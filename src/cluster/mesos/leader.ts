/**
 * Which master to talk to. Any master may be asked: one that does not lead answers 307 with the
 * leader's address, protocol-relative (`//host:port/...`). HTTP clients drop Authorization on such a
 * redirect and may turn a POST into a GET, so it is followed here, by asking the leader itself.
 */
export interface Masters {
  /** Base URLs in the order to try: the leader that answered last, then the others. */
  inOrder(): readonly URL[];
  /** The leader that a 307 names, with the scheme of the master that said so. */
  named(by: URL, location: string | undefined): URL | undefined;
  /** This one answered as the leader. */
  leads(master: URL): void;
  /** This one did not answer, or knows of no leader: it goes last. */
  failed(master: URL): void;
}

const base = (url: URL): URL => new URL(`${url.protocol}//${url.host}/`);

/** @param urls  base URLs, http or https; at least one */
export function createMasters(urls: readonly string[]): Masters {
  const configured = urls.map((url) => base(new URL(url)));
  let order = configured;
  const without = (master: URL): URL[] => order.filter(({ href }) => href !== master.href);
  const isConfigured = (master: URL): boolean =>
    configured.some(({ href }) => href === master.href);
  return {
    inOrder: () => order,
    named: (by, location) => {
      if (location === undefined || !URL.canParse(location, by.href)) return undefined;
      const leader = new URL(location, by);
      leader.protocol = by.protocol;
      return base(leader);
    },
    leads: (master) => {
      order = [master, ...without(master)];
    },
    // a leader learnt from a redirect is forgotten: its address may be gone for good
    failed: (master) => {
      order = isConfigured(master) ? [...without(master), master] : without(master);
    },
  };
}
