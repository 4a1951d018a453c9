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
 * machine), and never less than one packet of 64 KiB
 * and one frame; but at most 100 ms of the rate above 2 frames, or the first second would carry more
 * than 1.1 times the limit (this matters below 5.4 Mbit/s).
 * quantum: two frames, more for fast classes, never more than 60 kB: the kernel's own guess warns.
 *
 * @param rateKbit  what the bucket is for, kbit/s
 * @param mtu       of the interface, bytes
 * @see             tc-htb(8); measured in src/agent/shape/README.md
 */
export function bucketFor(
  rateKbit: number,
  mtu: number,
): Pick<ClassShape, 'burstBytes' | 'quantumBytes'> {
  const frame = mtu + FRAMING_BYTES;
  const whole = Math.min(GSO_BYTES + mtu, Math.max(bytesIn(rateKbit, 100), 2 * frame));
  return {
    burstBytes: Math.max(bytesIn(rateKbit, 4), whole),
    quantumBytes: Math.max(2 * frame, Math.min(60_000, bytesIn(rateKbit, 1))),
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
    return { kind: 'split', limitBytes: Math.max(25_000, 4 * mtu, bytesIn(rateKbit, 5)) };
  if (!kernel.bfifo) return undefined;
  return { kind: 'bfifo', limitBytes: Math.max(GSO_BYTES + mtu, bytesIn(rateKbit, 10)) };
}
