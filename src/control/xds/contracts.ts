/** What the xDS server asks of whoever compiles: the only thing that it knows of rules and services. */
import type { NodeText } from "../../codecs/xds/discovery.ts";
import type { ServedSet } from "../../codecs/xds/served.ts";

/** A client of the xDS server, as its connection and the first request of its stream say. */
export interface XdsNode extends NodeText {
  /** SPIFFE identity of its certificate; undefined without mTLS. */
  readonly identity?: string;
  /** Whether all types come to it by one delta stream. */
  readonly isDeltaAds?: boolean;
}

/** Where the server gets resources from. */
export interface XdsSource {
  /**
   * All that a node may be given now; undefined while nothing is known yet (the client waits), never an error for a strange node.
   * Called for every client after each change: nodes that get the same should get the same set, and what did not change since the last
   * call the same lists and resources.
   */
  resourcesFor(node: XdsNode): ServedSet | undefined;
}
