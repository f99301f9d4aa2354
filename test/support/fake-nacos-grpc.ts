import { createHash } from "node:crypto";
import { TransientError } from "../../src/base/errors.ts";
import { type NacosBody, parseBody } from "../../src/codecs/nacos/body.ts";
import { failure, type NacosMessage, request, success } from "../../src/codecs/nacos/messages.ts";
import { decodePayload, encodePayload } from "../../src/codecs/nacos/payload.ts";
import { groupedName } from "../../src/codecs/nacos/service-info.ts";
import type { OpenTransport } from "../../src/registry-sync/sources/nacos/transport.ts";

interface Client {
  readonly subscribed: Set<string>;
  readonly listened: Set<string>;
  readonly to: string;
  tell: ((message: NacosMessage | Buffer) => void) | undefined;
  end: (reason: string) => void;
}

/** Names of a server: the whole of it under one address, as `host:port` of gRPC. */
export class FakeNacosGrpc {
  /** Each request by its type and service, and each message on a stream. */
  readonly asked: string[] = [];
  /** Tokens of the last requests. */
  readonly tokens: (string | undefined)[] = [];
  /** Refuses connections while false. */
  isUp = true;
  /** Answers nothing and says nothing while true; connections stand. */
  isMute = false;
  negotiates = true;
  sendsSetupAck = true;
  /** Answers these types with this failure. */
  readonly refused = new Map<string, NacosMessage>();
  /** Changes an answer on its way out. */
  twist: (answer: NacosMessage) => NacosMessage | Buffer = (answer) => answer;
  timeMs = 1_000;
  readonly #services = new Map<string, NacosBody>();
  readonly #configs = new Map<string, string>();
  readonly #clients = new Set<Client>();

  /** Data ids that clients listen to. */
  get listened(): readonly string[] {
    return [...this.#clients].flatMap((client) =>
      [...client.listened].map((key) => key.slice(key.lastIndexOf("/") + 1)),
    );
  }

  /** What clients are connected to, in the order in which they came. */
  get connected(): readonly string[] {
    return [...this.#clients].map(({ to }) => to);
  }

  /** Puts a service there with these instances and pushes it; undefined takes its name out, without a push. */
  put(name: string, hosts: readonly object[] | undefined, group = "DEFAULT_GROUP", more: object = {}): void {
    const key = groupedName(group, name);
    if (hosts === undefined) {
      this.#services.delete(key);
      return;
    }
    this.#services.set(key, this.#info(group, name, hosts, more));
    for (const client of this.#clients) if (client.subscribed.has(key)) this.push(this.#services.get(key)!, client);
  }

  /** Pushes a service as it is given, to one client or to all. */
  push(serviceInfo: object, to?: Client): void {
    const message = { ...request("NotifySubscriberRequest", "naming"), requestId: "7" };
    for (const client of to === undefined ? this.#clients : [to])
      client.tell?.({ type: message.type, body: { ...message.body, requestId: "7", serviceInfo } });
  }

  /** Publishes a configuration, or (undefined) removes it, and tells the clients that listen to it; by `push` in place of its own. */
  config(dataId: string, text: string | undefined, tenant = "", group = "dubbo", push?: Buffer): void {
    const key = `${tenant}/${group}/${dataId}`;
    if (text === undefined) this.#configs.delete(key);
    else this.#configs.set(key, text);
    for (const client of this.#clients)
      if (client.listened.has(key))
        client.tell?.(
          push ?? request("ConfigChangeNotifyRequest", "config", { requestId: "9", dataId, group, tenant }),
        );
  }

  /** Sends something else to every client, or an envelope as it is. */
  tell(message: NacosMessage | Buffer): void {
    for (const client of this.#clients) client.tell?.(message);
  }

  /** Ends every connection, or the first ones; those that come later are taken if the server is up. */
  drop(reason = "dropped", count = this.#clients.size): void {
    for (const client of [...this.#clients].slice(0, count)) client.end(reason);
  }

  readonly open: OpenTransport = async ({ host, port }) => {
    const client: Client = {
      subscribed: new Set(),
      listened: new Set(),
      to: `${host}:${port}`,
      tell: undefined,
      end: () => {},
    };
    const waiting = new Set<(error: Error) => void>();
    return {
      unary: (bytes) =>
        new Promise((resolve, reject) => {
          if (!this.isUp) return reject(new TransientError("connection refused"));
          waiting.add(reject);
          if (this.isMute) return;
          const answer = this.#answer(client, bytes);
          resolve(Buffer.isBuffer(answer) ? answer : encodeMessage(answer));
        }),
      open: (onMessage, onEnd) => {
        this.#clients.add(client);
        client.tell = (message) => {
          if (!this.isMute) onMessage(Buffer.isBuffer(message) ? message : encodeMessage(message));
        };
        client.end = (reason) => {
          if (this.#clients.delete(client)) onEnd(reason);
        };
      },
      send: (bytes) => {
        if (this.isMute) return;
        const { type, body } = decodePayload(bytes);
        this.asked.push(`> ${type}`);
        const isSetup = type === "ConnectionSetupRequest" && parseBody(body)["abilityTable"] !== undefined;
        if (isSetup && this.negotiates && this.sendsSetupAck)
          client.tell?.(request("SetupAckRequest", "internal", { abilityTable: {} }));
      },
      close: () => {
        this.#clients.delete(client);
        for (const reject of waiting) reject(new TransientError("closed"));
      },
    };
  };

  #answer(client: Client, bytes: Buffer): NacosMessage | Buffer {
    const { type, headers, body: text } = decodePayload(bytes);
    const body = parseBody(text);
    const { groupName = "", serviceName = "", dataId = "", group = "", tenant = "" } = body as Record<string, string>;
    const key = groupedName(groupName, serviceName);
    this.asked.push([type, serviceName, dataId].filter((one) => one !== "").join(" "));
    this.tokens.push(headers.get("accessToken"));
    const refusal = this.refused.get(type) ?? this.refused.get(`${type} ${serviceName}`);
    if (refusal !== undefined) return this.twist(refusal);
    switch (type) {
      case "ServerCheckRequest":
        return this.twist(
          success("ServerCheckResponse", { connectionId: "c1", supportAbilityNegotiation: this.negotiates }),
        );
      case "HealthCheckRequest":
        return this.twist(success("HealthCheckResponse"));
      case "ServiceListRequest": {
        const names = [...this.#services.keys()].filter((one) => one.startsWith(`${groupName}@@`));
        const { pageNo, pageSize } = body as Record<string, number>;
        const page = names.slice((pageNo! - 1) * pageSize!, pageNo! * pageSize!);
        const serviceNames = page.map((one) => one.slice(one.indexOf("@@") + 2));
        return this.twist(success("ServiceListResponse", { count: names.length, serviceNames }));
      }
      case "SubscribeServiceRequest": {
        if (body["subscribe"] === true) client.subscribed.add(key);
        else client.subscribed.delete(key);
        const serviceInfo = this.#services.get(key) ?? this.#info(groupName, serviceName, [], {});
        return this.twist(success("SubscribeServiceResponse", { serviceInfo }));
      }
      case "ConfigQueryRequest": {
        const content = this.#configs.get(`${tenant}/${group}/${dataId}`);
        if (content === undefined) return this.twist(failure(300, "config data not exist", "ConfigQueryResponse"));
        return this.twist(success("ConfigQueryResponse", { content, md5: md5(content) }));
      }
      case "ConfigBatchListenRequest":
        return this.twist(success("ConfigChangeBatchListenResponse", { changedConfigs: this.#listen(client, body) }));
      default:
        return this.twist(failure(302, "RequestHandler Not Found"));
    }
  }

  #listen(client: Client, body: NacosBody): readonly object[] {
    const contexts = body["configListenContexts"] as Record<string, string>[];
    return contexts.filter(({ dataId, group, tenant, md5: said }) => {
      const key = `${tenant}/${group}/${dataId}`;
      if (body["listen"] === true) client.listened.add(key);
      else client.listened.delete(key);
      const text = this.#configs.get(key);
      return body["listen"] === true && said !== (text === undefined ? "" : md5(text));
    });
  }

  #info(groupName: string, name: string, hosts: readonly object[], more: object): NacosBody {
    return { name, groupName, clusters: "", hosts, lastRefTime: ++this.timeMs, ...more };
  }
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

function encodeMessage({ type, body }: NacosMessage): Buffer {
  return encodePayload({ type, body: JSON.stringify(body) });
}

/** An instance as Nacos has it, with metadata. */
export function nacosHost(ip: string, port: number, metadata: Record<string, string> = {}, more: object = {}): object {
  return {
    ip,
    port,
    weight: 1,
    healthy: true,
    enabled: true,
    ephemeral: true,
    clusterName: "DEFAULT",
    metadata,
    ...more,
  };
}
