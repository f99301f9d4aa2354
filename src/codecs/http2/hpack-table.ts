/**
 * The tables of HPACK (RFC 7541 sections 2.3 and 4, appendix A).
 *
 * | index | field |
 * |---|---|
 * | 1 - 61 | the static table |
 * | 62 ... | the dynamic table, newest first; an entry counts name + value + 32 octets |
 */

/** Octets that an entry counts beside its name and value; the same in header lists (RFC 9113 section 6.5.2). */
export const ENTRY_OVERHEAD = 32;

const ROWS =
  ":authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|" +
  ":status=206|:status=304|:status=400|:status=404|:status=500|accept-charset|accept-encoding=gzip, deflate|" +
  "accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|" +
  "content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type|" +
  "cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|" +
  "last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|" +
  "server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate";

/** Names of the static table by index; 0 is no entry. */
export const STATIC_NAMES: readonly string[] = ["", ...ROWS.split("|").map((row) => row.split("=")[0])];
/** Values of the static table by index. */
export const STATIC_VALUES: readonly string[] = ["", ...ROWS.split("|").map((row) => row.split("=")[1] ?? "")];
/** The first index of the dynamic table. */
export const FIRST_DYNAMIC = STATIC_NAMES.length;

/** The dynamic table of one direction. Entries have running numbers from 0, so that an encoder can remember them. */
export class DynamicTable {
  #names: string[] = [];
  #values: string[] = [];
  #sound: boolean[] = [];
  #maxBytes: number;
  #bytes = 0;
  /** Numbers of the oldest entry held and of the next one to come. */
  #oldest = 0;
  #next = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Entries ever added: the number that the next one gets. */
  get next(): number {
    return this.#next;
  }

  /** The number of the oldest entry held; equals `next` when the table is empty. */
  get oldest(): number {
    return this.#oldest;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Name of the entry with HPACK index `index`, or undefined when there is none. */
  name(index: number): string | undefined {
    const number = this.#next - 1 - (index - FIRST_DYNAMIC);
    return number >= this.#oldest && number < this.#next ? this.#names[number & this.#mask()] : undefined;
  }

  /** Value of the entry with HPACK index `index`, which `name` has found. */
  value(index: number): string {
    return this.#values[(this.#next - 1 - (index - FIRST_DYNAMIC)) & this.#mask()];
  }

  /** What was said of the entry with HPACK index `index` when it was added. */
  isSound(index: number): boolean {
    return this.#sound[(this.#next - 1 - (index - FIRST_DYNAMIC)) & this.#mask()];
  }

  /** Adds an entry, evicting old ones; one that is larger than the table empties it. `sound` is for who asks {@link isSound}. */
  add(name: string, value: string, sound = true): void {
    const size = name.length + value.length + ENTRY_OVERHEAD;
    this.#evict(this.#maxBytes - size);
    if (size > this.#maxBytes) return;
    if (this.#next - this.#oldest === this.#names.length) this.#grow();
    this.#names[this.#next & this.#mask()] = name;
    this.#values[this.#next & this.#mask()] = value;
    this.#sound[this.#next & this.#mask()] = sound;
    this.#next++;
    this.#bytes += size;
  }

  /** Sets the bound in octets and evicts what is over it. */
  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evict(maxBytes);
  }

  #mask(): number {
    return this.#names.length - 1;
  }

  #evict(maxBytes: number): void {
    while (this.#bytes > maxBytes && this.#oldest < this.#next) {
      const slot = this.#oldest & this.#mask();
      this.#bytes -= this.#names[slot].length + this.#values[slot].length + ENTRY_OVERHEAD;
      this.#names[slot] = "";
      this.#values[slot] = "";
      this.#oldest++;
    }
  }

  /** A ring whose length is a power of two; at most maxBytes / 32 entries ever fit. */
  #grow(): void {
    const length = Math.max(16, this.#names.length * 2);
    const names = new Array<string>(length).fill("");
    const values = new Array<string>(length).fill("");
    const sound = new Array<boolean>(length).fill(false);
    for (let number = this.#oldest; number < this.#next; number++) {
      names[number & (length - 1)] = this.#names[number & this.#mask()];
      values[number & (length - 1)] = this.#values[number & this.#mask()];
      sound[number & (length - 1)] = this.#sound[number & this.#mask()];
    }
    this.#names = names;
    this.#values = values;
    this.#sound = sound;
  }
}
