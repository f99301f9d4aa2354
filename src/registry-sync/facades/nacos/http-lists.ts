import { forgetOldest } from "../../../base/bounded.ts";
import type { Clock } from "../../../base/clock.ts";
import type { NacosBody } from "../../../codecs/nacos/body.ts";
import { hostsOf, type NacosQuestion, withHosts } from "../../present/nacos.ts";
import type { HttpServiceQuestion } from "../../present/nacos-http.ts";
import { serviceText } from "./memory.ts";
import { refMsOf } from "./services.ts";
import type { SessionShared } from "./session-shared.ts";
import type { UdpPushes } from "./udp.ts";

/** What {@link HttpLists} needs. */
export interface HttpListsParts {
  readonly shared: Pick<SessionShared, "services" | "context" | "patience" | "onPassed" | "counters">;
  readonly clock: Pick<Clock, "after">;
  readonly udp: Pick<UdpPushes, "subscribe">;
}

/** A list of instances as a client is shown it now. */
export interface ShownList {
  readonly info: NacosBody;
  readonly text: string;
  /** Services that the proxies have not been told of. */
  readonly soon: ReadonlySet<string>;
}

/** How often a list is looked at that waits for the proxies, ms. */
const LOOK_MS = 100;
const MAX_CLUSTERS_KNOWN = 20_000;
const MAX_CLUSTER_NAME = 128;

/** The lists of instances that clients of HTTP ask for. */
export class HttpLists {
  readonly #parts: HttpListsParts;
  /** The cluster of the instance that was registered from an address. */
  readonly #clusters = new Map<string, string>();

  constructor(parts: HttpListsParts) {
    this.#parts = parts;
  }

  /** An instance was registered from an address, in a cluster. */
  registered(address: string, cluster: string): void {
    this.#clusters.delete(address);
    if (cluster !== "" && cluster.length <= MAX_CLUSTER_NAME) this.#clusters.set(address, cluster);
    forgetOldest(this.#clusters, MAX_CLUSTERS_KNOWN);
  }

  /**
   * What a client is shown of a list that the registry answered; waits a moment for the proxies to be told of a service that they have not
   * been told of. `subscribe` is to be called once the client has it, for pushes where it takes them.
   */
  async show(
    question: HttpServiceQuestion,
    address: string,
    info: NacosBody,
  ): Promise<{ readonly shown: ShownList; readonly subscribe: () => void }> {
    const following = this.#follow(question, address, info);
    let shown = following.show();
    while (this.#parts.shared.patience.waitsFor(shown.soon)) {
      await new Promise<void>((resolve) => {
        this.#parts.clock.after(LOOK_MS, resolve);
      });
      shown = following.show();
    }
    const subscribe = () => {
      if (question.udpPort > 0) this.#subscribe(question, address, following, shown.text);
    };
    return { shown, subscribe };
  }

  #follow(question: HttpServiceQuestion, address: string, first: NacosBody): Following {
    const { shared } = this.#parts;
    const key = `${serviceText(question)}\n${question.clusters}\nhttp`;
    const asked: NacosQuestion = { ...question, ownCluster: this.#clusters.get(address) ?? "" };
    let real = shared.services.share(key, first);
    let frame: NacosBody = { ...first, hosts: [] };
    return {
      take: (info) => {
        real = shared.services.share(key, { hosts: hostsOf(info) });
        frame = { ...info, hosts: [] };
      },
      show: () => {
        const shown = shared.services.shown(real, asked, shared.context(), false);
        const { text, soon } = shown;
        for (const passed of shown.passed) shared.onPassed(passed);
        if (shown.isChanged) shared.counters.rewritten++;
        const changed = withHosts(frame, question.healthyOnly ? shown.hosts.filter(isHealthy) : shown.hosts);
        if (!Object.hasOwn(changed, "lastRefTime")) return { info: changed, text, soon };
        const lastRefTime = shared.services.refMs(key, shown, refMsOf(frame));
        return { info: { ...changed, lastRefTime }, text, soon };
      },
    };
  }

  #subscribe(question: HttpServiceQuestion, address: string, following: Following, text: string): void {
    const { groupName, serviceName, clusters, udpPort } = question;
    const show = (info: NacosBody | undefined) => {
      if (info !== undefined) following.take(info);
      const shown = following.show();
      if (this.#parts.shared.patience.waitsFor(shown.soon)) return undefined;
      return { text: shown.text, json: JSON.stringify(shown.info) };
    };
    this.#parts.udp.subscribe({ address, port: udpPort, groupName, serviceName, clusters, show }, text);
  }
}

interface Following {
  /** Takes a newer list of the registry. */
  take(info: NacosBody): void;
  show(): ShownList;
}

function isHealthy(host: unknown): boolean {
  return typeof host === "object" && host !== null && (host as NacosBody)["healthy"] !== false;
}
