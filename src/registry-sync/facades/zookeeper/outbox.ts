/** A place in the order of what goes to the client, whose packets are not known yet. */
export interface Slot {
  packets: readonly Uint8Array[] | undefined;
}

/**
 * What goes to the client, in order. An event whose truth must first be asked of the server keeps its place by a slot: nothing
 * behind it is given out before it is filled, so a client never sees a reply that shows a change before the event of that change.
 */
export class Outbox {
  #queue: Slot[] = [];
  #ready: Uint8Array[] = [];
  #heldBytes = 0;

  /** Bytes that wait behind an open slot. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  add(packet: Uint8Array): void {
    if (this.#queue.length === 0) {
      this.#ready.push(packet);
      return;
    }
    this.#heldBytes += packet.length;
    this.#queue.push({ packets: [packet] });
  }

  /** Gives a packet out at once, past open slots; for ping replies, which have no place in the order. */
  addUrgent(packet: Uint8Array): void {
    this.#ready.push(packet);
  }

  reserve(): Slot {
    const slot: Slot = { packets: undefined };
    this.#queue.push(slot);
    return slot;
  }

  /** Fills a slot (with nothing, too) and lets what waited behind it go. */
  fill(slot: Slot, packets: readonly Uint8Array[]): void {
    slot.packets = packets;
    for (const packet of packets) this.#heldBytes += packet.length;
    let count = 0;
    for (const { packets: known } of this.#queue) {
      if (known === undefined) break;
      count++;
      for (const packet of known) {
        this.#heldBytes -= packet.length;
        this.#ready.push(packet);
      }
    }
    if (count > 0) this.#queue = this.#queue.slice(count);
  }

  take(): Uint8Array[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }
}
