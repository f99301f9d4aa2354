import { type JsonNode, JsonNumber } from "../codecs/json-text.ts";

/** How many texts the arguments of one call may become. */
const MAX_TEXTS = 10_000;

/**
 * The texts that rules can ask of a call's arguments, by the names they ask them by: `dubbo-arg-0`, `dubbo-arg-0.customer.id`,
 * `dubbo-arg-1.0`. Null has none. Throws an `Error` of one line where there are more than 10,000.
 */
export function argumentHeaders(args: readonly JsonNode[]): Record<string, string> {
  const headers: Record<string, string> = {};
  let count = 0;
  const left: [string, JsonNode][] = args.map((node, i) => [`dubbo-arg-${i}`, node]);
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    const [name, node] = one;
    if (Array.isArray(node)) for (const [i, item] of node.entries()) left.push([`${name}.${i}`, item]);
    else if (node instanceof Map) for (const [key, item] of node) left.push([`${name}.${key}`, item]);
    else if (node !== null) {
      if (++count > MAX_TEXTS) throw new Error(`the arguments have more than ${MAX_TEXTS} values`);
      headers[name] = node instanceof JsonNumber ? node.text : String(node);
    }
  }
  return headers;
}
