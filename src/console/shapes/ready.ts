/** One thing that Corral depends on, or one of its loops. */
export interface ReadyItem {
  readonly name: string;
  readonly ready: boolean;
  /** What is missing, or what was last seen. */
  readonly detail?: string;
}

export interface ReadyShape {
  /** All of them are. */
  readonly ready: boolean;
  readonly items: readonly ReadyItem[];
}

export const readyShape = (items: readonly ReadyItem[]): ReadyShape => ({
  ready: items.every(({ ready }) => ready),
  items,
});
