import { encodeEurekaBody } from "../../src/codecs/eureka/body.ts";
import type { ApplicationsDocument, EurekaFormat, RawInstance } from "../../src/codecs/eureka/document.ts";
import { type EurekaInstance, readEurekaInstance } from "../../src/codecs/eureka/instance.ts";
import { EurekaMirror } from "../../src/codecs/eureka/mirror.ts";

/** What a test says of an instance; the rest is as Spring would register it. */
export interface GivenInstance {
  readonly app: string;
  readonly host: string;
  readonly port: number;
  readonly status?: string;
  /** Fields of the JSON form that are otherwise, or are there beside. */
  readonly raw?: RawInstance;
}

/** An instance in the form of Eureka's JSON, its id `host:app:port`. */
export function rawInstance({ app, host, port, status = "UP", raw = {} }: GivenInstance): RawInstance {
  return {
    instanceId: `${host}:${app}:${port}`,
    hostName: host,
    app: app.toUpperCase(),
    ipAddr: host,
    status,
    overriddenStatus: "UNKNOWN",
    port: { $: port, "@enabled": "true" },
    securePort: { $: 443, "@enabled": "false" },
    countryId: 1,
    dataCenterInfo: { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", name: "MyOwn" },
    metadata: { "management.port": `${port}` },
    homePageUrl: `http://${host}:${port}/`,
    statusPageUrl: `http://${host}:${port}/actuator/info`,
    healthCheckUrl: `http://${host}:${port}/actuator/health`,
    vipAddress: app,
    secureVipAddress: app,
    isCoordinatingDiscoveryServer: "false",
    lastUpdatedTimestamp: "1700000000000",
    lastDirtyTimestamp: "1700000000000",
    actionType: "ADDED",
    ...raw,
  };
}

/** The same, read. */
export function eurekaInstance(given: GivenInstance): EurekaInstance {
  return readEurekaInstance(rawInstance(given), given.app)!;
}

/** A list of instances with the hash that a server would give; `hash` where a delta speaks of more than it has. */
export function applicationsDocument(instances: readonly GivenInstance[], hash?: string): ApplicationsDocument {
  const byApp = new Map<string, RawInstance[]>();
  for (const instance of instances) {
    const name = instance.app.toUpperCase();
    byApp.set(name, [...(byApp.get(name) ?? []), rawInstance(instance)]);
  }
  const document: ApplicationsDocument = {
    kind: "applications",
    version: "1",
    hashcode: undefined,
    applications: [...byApp].map(([name, all]) => ({ name, instances: all })),
  };
  const mirror = new EurekaMirror();
  mirror.replace(document);
  return { ...document, hashcode: hash ?? mirror.hashcode() };
}

/** A server's answer with such a list. */
export function listBody(instances: readonly GivenInstance[], format: EurekaFormat = "json", hash?: string): Buffer {
  return encodeEurekaBody(applicationsDocument(instances, hash), format);
}
