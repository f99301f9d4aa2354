import { ProtocolError } from "../../base/errors.ts";
import { JuteWriter, PROTOCOL } from "./jute.ts";

/**
 * Packets of a ZooKeeper connection, both ways:
 *
 *   0  int32  length of what follows, big-endian
 *   4  ...    the record or records
 *
 * In place of the first packet a client may send four letters (`ruok`, `srvr`, ...), which a server answers with text and a close.
 * Reference: NIOServerCnxn and ClientCnxnSocket of Apache ZooKeeper.
 */

/** Bytes of the length before a packet. */
export const LENGTH_BYTES = 4;

/** The four-letter words of a 3.8 server that read; `srst` and `stmk` change something. */
// biome-ignore format: one list
export const FOUR_LETTER_WORDS = [
  "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "srst",
  "srvr", "stat", "stmk", "wchc", "wchp", "wchs",
] as const;

/** One of {@link FOUR_LETTER_WORDS}. */
export type FourLetterWord = (typeof FOUR_LETTER_WORDS)[number];

const WORDS: ReadonlySet<string> = new Set(FOUR_LETTER_WORDS);

/** The four-letter word that a connection's first four bytes are; undefined when they are a length (or not all there yet). */
export function fourLetterWord(first: Uint8Array): FourLetterWord | undefined {
  if (first.length < 4) return undefined;
  const word = String.fromCharCode(first[0], first[1], first[2], first[3]);
  return WORDS.has(word) ? (word as FourLetterWord) : undefined;
}

/**
 * Cuts a byte stream into packets. What it holds grows with the bytes that came, never with the length that a packet claims.
 */
export class PacketSplitter {
  readonly #maxPacketBytes: number;
  #buffer = new Uint8Array(0);
  #held = 0;

  /** `maxPacketBytes` is the largest length accepted (without the four length bytes themselves). */
  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes;
  }

  /** Bytes of an incomplete packet that are held. */
  get heldBytes(): number {
    return this.#held;
  }

  /**
   * Takes a chunk; returns the packets it completes, each whole with its four length bytes in front ({@link packetBody} cuts them
   * off), so that a relay can write them on as they are. Packets may be views of the chunk: copy what outlives it.
   * Throws `ProtocolError` on a negative length or one over the limit; the packets before it in the chunk are lost with it.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const packets: Uint8Array[] = [];
    let start = 0;
    if (this.#held > 0) {
      start = this.#fill(chunk, 0, LENGTH_BYTES);
      if (this.#held < LENGTH_BYTES) return packets;
      const total = LENGTH_BYTES + this.#lengthAt(this.#buffer, 0);
      start = this.#fill(chunk, start, total);
      if (this.#held < total) return packets;
      packets.push(this.#buffer.subarray(0, total));
      this.#buffer = new Uint8Array(0);
      this.#held = 0;
    }
    while (chunk.length - start >= LENGTH_BYTES) {
      const total = LENGTH_BYTES + this.#lengthAt(chunk, start);
      if (chunk.length - start < total) break;
      packets.push(chunk.subarray(start, start + total));
      start += total;
    }
    if (start < chunk.length) this.#fill(chunk, start, chunk.length);
    return packets;
  }

  /** What is held of an incomplete packet, copied. */
  rest(): Uint8Array {
    return Uint8Array.from(this.#buffer.subarray(0, this.#held));
  }

  #lengthAt(bytes: Uint8Array, at: number): number {
    const length = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    if (length < 0) throw new ProtocolError(PROTOCOL, `zookeeper packet has the negative length ${length}`, 0);
    if (length > this.#maxPacketBytes) {
      throw new ProtocolError(
        PROTOCOL,
        `zookeeper packet of ${length} bytes is over maxPacketBytes ${this.#maxPacketBytes}`,
        0,
      );
    }
    return length;
  }

  /** Moves bytes of `chunk` from `start` on into the buffer until it holds `total`; returns where it stopped. */
  #fill(chunk: Uint8Array, start: number, total: number): number {
    const count = Math.min(Math.max(total - this.#held, 0), chunk.length - start);
    const needed = this.#held + count;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2, 64));
      grown.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk.subarray(start, start + count), this.#held);
    this.#held = needed;
    return start + count;
  }
}

/** A packet without its four length bytes; a view. */
export function packetBody(packet: Uint8Array): Uint8Array {
  return packet.subarray(LENGTH_BYTES);
}

/** Writes one packet: the length, then what `write` writes. */
export function encodePacket(write: (writer: JuteWriter) => void, expectedBytes = 256): Uint8Array {
  const writer = new JuteWriter(expectedBytes);
  writer.int(0);
  write(writer);
  const packet = writer.finish();
  new DataView(packet.buffer, packet.byteOffset).setInt32(0, packet.length - LENGTH_BYTES);
  return packet;
}
