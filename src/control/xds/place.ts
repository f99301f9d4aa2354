import type { NodeText } from "../../codecs/xds/discovery.ts";
import { parseIdentity } from "../../model/identity.ts";

/**
 * A node in the namespace of its certificate: Sidecars, policies and exports go by it, so that nobody can put himself elsewhere. One that
 * names no namespace is of that; one that names another is a fault, which the text says.
 */
export function placeNode<T extends NodeText>(node: T, identity: string | undefined): T | { readonly fault: string } {
  if (identity === undefined) return node;
  const own = parseIdentity(identity)?.namespace;
  const said = node.metadata["NAMESPACE"];
  if (own === undefined || said === own) return node;
  if (said === undefined || said === "") return { ...node, metadata: { ...node.metadata, NAMESPACE: own } };
  return {
    fault: `the node says that it is of namespace ${JSON.stringify(said).slice(0, 100)}, and its certificate is of ${own} (${identity})`,
  };
}
