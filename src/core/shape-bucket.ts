import type { ClassShape, Kernel, Leaf } from './shape.ts';

/** Largest packet that segmentation offload makes of many. */
const GSO_BYTES = 65_536;
/** Ethernet's own header, and one VLAN tag. */
const FRAMING_BYTES = 18;
/** From here on packets go down whole: cutting them costs more CPU than their wait is worth. */
const SPLIT_BELOW_KBIT = 250_000;
/** Largest frame that passes a `split` leaf; its bucket holds 12,500 bytes. */
const SPLIT_MTU = 9_216;
/** The kernel keeps rates in bytes a second and tc sends them in bits: 2^53 bit/s is beyond any link. */
const FASTEST_KBIT = 4_000_000_000;

const bytesIn = (kbit: number, ms: number): number => Math.ceil((kbit * ms) / 8);

/**
 * The nearest rate below that tc can show again: it prints whole Mbit/s from 1 Gbit/s up and whole
 * Gbit/s from 1 Tbit/s up, and what is read back must equal what was asked.
 */
export function tellable(kbit: number): number {
  const least = Math.min(Math.max(1, Math.floor(kbit)), FASTEST_KBIT);
  const grain = least >= 1e9 ? 1e6 : least >= 1e6 ? 1e3 : 1;
  return least - (least % grain);
}

/**
 * Numbers of one HTB class.
 *
 * burst: 4 ms of the rate, so that a late timer costs no rate (2 ms lose up to 2 % at 1 Gbit/s on a busy
 * machine), and never less than the largest packet that the queue hands up: one of 64 KiB and a frame, but
 * at most 100 ms of the rate; where the queue cuts them, 25 kB, but at most 20 ms, so that the first second
 * carries no more than 1.02 times the limit, beyond two frames.
 * quantum: two frames, more for fast classes, never more than 60 kB: the kernel's own guess warns.
 *
 * @param rateKbit  what the bucket is for, kbit/s
 * @param mtu       of the interface, bytes
 * @param leaf      the queue below it; absent: whole packets come through
 * @see             tc-htb(8); measured in src/agent/shape/README.md
 */
export function bucketFor(
  rateKbit: number,
  mtu: number,
  leaf?: Leaf,
): Pick<ClassShape, 'burstBytes' | 'quantumBytes'> {
  const frames = 2 * (mtu + FRAMING_BYTES);
  const largest =
    leaf?.kind === 'split'
      ? Math.min(25_000, bytesIn(rateKbit, 20))
      : Math.min(GSO_BYTES + mtu, bytesIn(rateKbit, 100));
  return {
    burstBytes: Math.max(bytesIn(rateKbit, 4), largest, frames),
    quantumBytes: Math.max(frames, Math.min(60_000, bytesIn(rateKbit, 1))),
  };
}

/**
 * The queue below a class: fq_codel where the kernel has it; else short queues counted in bytes, cut to
 * small packets at low rates, where one of 64 KiB alone would take 5 ms and more.
 */
export function leafFor(rateKbit: number, mtu: number, kernel: Kernel): Leaf | undefined {
  if (kernel.fqCodel)
    // A target below one and a half frames' time would drop on an idle link.
    return {
      kind: 'fq_codel',
      limitPackets: 1024,
      targetUs: Math.max(5_000, Math.ceil((1.5 * 8_000 * (mtu + FRAMING_BYTES)) / rateKbit)),
      quantumBytes: mtu + FRAMING_BYTES,
    };
  if (kernel.tbf && rateKbit < SPLIT_BELOW_KBIT && mtu <= SPLIT_MTU)
    return { kind: 'split', limitBytes: Math.max(22_500, 4 * mtu, bytesIn(rateKbit, 4)) };
  if (!kernel.bfifo) return undefined;
  return { kind: 'bfifo', limitBytes: Math.max(GSO_BYTES + mtu, bytesIn(rateKbit, 5)) };
}
