import type { Adopted } from '../../src/ledger/desk.ts';

export const USUAL_MS = 60_000;
export const PRESSED_MS = 16_000;

interface Cell {
  has?: { readonly node: string; readonly incarnation: string; readonly container?: string };
  stock?: string;
  why?: boolean;
  /** When it was given back. */
  leftMs?: number;
}

/** What desks should do, as dumb as can be: one cell for each address, and no commit that is lost. */
export class Model {
  readonly cells: ReadonlyMap<string, Cell>;
  nowMs: number;

  constructor(addresses: readonly string[], nowMs: number) {
    this.cells = new Map(addresses.map((address) => [address, {}]));
    this.nowMs = nowMs;
  }

  #free(minRestMs: number): string[] {
    return [...this.cells].flatMap(([address, { has, stock, why, leftMs }]) =>
      (has ?? stock ?? why ?? (leftMs !== undefined && this.nowMs - leftMs < minRestMs))
        ? []
        : [address],
    );
  }

  /** The addresses that a take may give; empty: it must refuse. */
  choices(node: string, incarnation: string): readonly string[] {
    const mine = [...this.cells].filter(
      ([, { has }]) => has?.node === node && has.incarnation === incarnation,
    );
    if (mine.length > 0) return mine.map(([address]) => address);
    const rested = this.#free(USUAL_MS);
    return rested.length > 0 ? rested : this.#free(PRESSED_MS);
  }

  /** Those that may be put in stock. */
  rested(): readonly string[] {
    return this.#free(USUAL_MS);
  }

  mayClaim(address: string, node: string): boolean {
    const cell = this.cells.get(address);
    if (!cell || cell.has) return false;
    return cell.stock === node || (cell.stock === undefined && cell.why !== true);
  }

  took(address: string, node: string, incarnation: string): void {
    const cell = this.#cell(address);
    if (cell.has) return;
    cell.has = { node, incarnation };
    delete cell.stock;
    delete cell.leftMs;
  }

  release(address: string, node: string, incarnation: string): string {
    const cell = this.#cell(address);
    if (cell.has?.node !== node) return 'absent';
    if (cell.has.incarnation !== incarnation) return 'other';
    delete cell.has;
    cell.leftMs = this.nowMs;
    return 'released';
  }

  adopt(address: string, node: string, incarnation: string, container: string): Adopted['adopted'] {
    const cell = this.#cell(address);
    const holder = cell.has?.node ?? cell.stock;
    if (holder !== undefined && holder !== node) return false;
    const keeps = cell.has && (cell.has.container ?? container) === container;
    cell.has = { node, container, incarnation: keeps ? cell.has!.incarnation : incarnation };
    delete cell.stock;
    delete cell.leftMs;
    return true;
  }

  stocked(address: string, node: string): void {
    const cell = this.#cell(address);
    cell.stock = node;
    delete cell.leftMs;
  }

  unstock(address: string, node: string): void {
    const cell = this.#cell(address);
    if (cell.stock === node) delete cell.stock;
  }

  quarantine(address: string, node: string): void {
    const cell = this.#cell(address);
    cell.why = true;
    if (cell.has?.node === node) {
      delete cell.has;
      delete cell.leftMs;
    }
    if (cell.stock === node) delete cell.stock;
  }

  unquarantine(address: string): void {
    delete this.#cell(address).why;
  }

  #cell(address: string): Cell {
    const cell = this.cells.get(address);
    if (!cell) throw new Error(`${address} is not of the pool`);
    return cell;
  }
}
