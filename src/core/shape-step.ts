import type { ClassShape, Hook, Leaf, Sorting, Table } from './shape.ts';

/** One change of the kernel. Doing it where it is done already is a fault or nothing, never harm. */
export type ShapeStep =
  | { readonly do: 'make-ifb'; readonly link: string }
  | { readonly do: 'raise-ifb'; readonly link: string }
  | { readonly do: 'drop-ifb'; readonly link: string }
  | { readonly do: 'doom-ifb'; readonly link: string }
  /** All that are doomed; `link` is one of them. */
  | { readonly do: 'drop-doomed'; readonly link: string }
  | { readonly do: 'set-root'; readonly link: string; readonly defaultMinor: number }
  | { readonly do: 'drop-root'; readonly link: string }
  | ({ readonly do: 'set-class'; readonly shape: ClassShape } & ClassPlace)
  | ({ readonly do: 'set-leaf'; readonly leaf: Leaf } & ClassPlace)
  | ({ readonly do: 'drop-class' } & ClassPlace)
  | ({ readonly do: 'make-table'; readonly searchBy: 'src' | 'dst' } & TablePlace)
  | ({ readonly do: 'drop-table' } & TablePlace)
  | { readonly do: 'sort'; readonly link: string; readonly sorting: Sorting }
  | ({ readonly do: 'unsort'; readonly handle: string } & TablePlace)
  | { readonly do: 'hook'; readonly link: string }
  | { readonly do: 'unhook'; readonly link: string; readonly kind: 'clsact' | 'ingress' }
  | ({ readonly do: 'redirect'; readonly to: string; readonly replaces?: string } & HookPlace)
  | ({ readonly do: 'drop-filters'; readonly pref: number } & HookPlace);

interface ClassPlace {
  readonly link: string;
  readonly minor: number;
}
interface TablePlace {
  readonly link: string;
  readonly table: Table;
}
interface HookPlace {
  readonly link: string;
  readonly hook: Hook;
}

/** What a link's side of the difference adds, and what it takes away once everything is added. */
export interface Change {
  readonly add: readonly ShapeStep[];
  readonly remove: readonly ShapeStep[];
}
