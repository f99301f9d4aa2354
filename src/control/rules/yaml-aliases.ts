import { isAlias, isMap, isNode, isScalar, isSeq, type Pair, type YAMLMap } from "yaml";

/** Keys of maps that merge keys of one document may look at: maps that merge each other may not multiply a small file into a large one. */
const MAX_MERGED = 100_000;

/** Says what is wrong with a node. */
export type NodeFault = (node: unknown, problem: string) => void;

/**
 * Puts what aliases name in their places, and into maps what their merge keys (`<<`) name, as `kubectl` reads them: a map's own keys come
 * first, then those of the first map that is named. An alias whose anchor does not stand before it stays one. The document is changed, and
 * what it is now is given back.
 */
export function resolveAliases(contents: unknown, fault: NodeFault): unknown {
  return new Resolver(fault).walk(contents);
}

class Resolver {
  readonly #fault: NodeFault;
  readonly #anchors = new Map<string, unknown>();
  /** Maps that are not read to their end. */
  readonly #open = new Set<unknown>();
  #merged = 0;

  constructor(fault: NodeFault) {
    this.#fault = fault;
  }

  walk(node: unknown): unknown {
    if (isAlias(node)) return this.#anchors.get(node.source) ?? node;
    if (isNode(node) && "anchor" in node && node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isSeq(node)) node.items = node.items.map((item) => this.walk(item));
    else if (isMap(node)) this.#walkMap(node);
    return node;
  }

  #walkMap(map: YAMLMap): void {
    this.#open.add(map);
    let merges: Pair[] | undefined;
    for (const pair of map.items) {
      this.walk(pair.key);
      pair.value = this.walk(pair.value);
      if (isMergeKey(pair.key)) merges = [...(merges ?? []), pair];
    }
    this.#open.delete(map);
    if (merges !== undefined) for (const pair of merges) this.#merge(map, pair);
  }

  #merge(map: YAMLMap, merge: Pair): void {
    map.items = map.items.filter((pair) => pair !== merge);
    const known = new Set(map.items.map(({ key }) => keyOf(key)));
    for (const source of isSeq(merge.value) ? merge.value.items : [merge.value]) {
      if (!isMap(source) || this.#open.has(source) || source === map) {
        const why = isMap(source)
          ? "merges the object that it stands in"
          : "merges objects alone: *name, or a list of such";
        this.#fault(merge.key, `<< ${why}`);
        return;
      }
      for (const pair of source.items) {
        if (++this.#merged > MAX_MERGED) {
          if (this.#merged === MAX_MERGED + 1)
            this.#fault(merge.key, `<< merges more than ${MAX_MERGED} keys in one document`);
          return;
        }
        const key = keyOf(pair.key);
        if (known.has(key)) continue;
        known.add(key);
        map.items.push(pair);
      }
    }
  }
}

/** One in quotes is a key like any other. */
function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.source === "<<" && key.type === "PLAIN";
}

function keyOf(key: unknown): unknown {
  return isScalar(key) ? key.value : key;
}
