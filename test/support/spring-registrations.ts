import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { encodeSpringInstance } from "../../src/codecs/zookeeper/curator-instance.ts";
import type { Eureka } from "./eureka.ts";
import { rawInstance } from "./eureka-documents.ts";
import type { Nacos } from "./nacos.ts";
import type { Znodes } from "./znodes.ts";

/** An HTTP server of this process that answers each request with its id and what it was asked, as Spring's peers do. */
export interface EchoServer {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts one at a free port of `host`. */
export async function startEchoServer(id: string, host: string): Promise<EchoServer> {
  const server = createServer((request, response) => {
    request.resume();
    const { method, url, headers } = request;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ id, method, path: url, host: headers.host }));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    id,
    host,
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Registers a server as an instance of a service, in one of the registries themselves. */
export type Register = (service: string, at: EchoServer, metadata: Readonly<Record<string, string>>) => Promise<void>;

/** As Spring Cloud ZooKeeper does, by a node that stays. */
export function registersAtZookeeper(znodes: Znodes): Register {
  return async (service, { host, port }, metadata) => {
    const id = `00000000-0000-4000-8000-${`${port}`.padStart(12, "0")}`;
    const of = { ...metadata, instance_status: "UP" };
    const data = encodeSpringInstance({ name: service, id, address: host, port, metadata: of });
    await znodes.make(`/services/${service}/${id}`);
    await znodes.write(`/services/${service}/${id}`, Buffer.from(data).toString());
  };
}

/** As Spring Cloud Netflix does, with a lease of 10 minutes. */
export function registersAtEureka(eureka: Eureka): Register {
  return async (service, { host, port }, metadata) => {
    const leaseInfo = { renewalIntervalInSecs: 30, durationInSecs: 600 };
    const instance = rawInstance({ app: service, host, port, raw: { metadata, leaseInfo } });
    const { status, body } = await eureka.ask("POST", `/apps/${service.toUpperCase()}`, { instance });
    if (status !== 204) throw new Error(`eureka answered ${status}: ${body}`);
  };
}

/** As Spring Cloud Alibaba does; it stays for 10 minutes without a beat. */
export function registersAtNacos(nacos: Nacos): Register {
  return async (service, { host, port }, metadata) => {
    const patience = { "preserved.heart.beat.timeout": "600000", "preserved.ip.delete.timeout": "600000" };
    const query = new URLSearchParams({
      ...{ serviceName: service, ip: host, port: `${port}`, ephemeral: "true" },
      metadata: JSON.stringify({ "preserved.register.source": "SPRING_CLOUD", ...patience, ...metadata }),
    });
    const { status, body } = await nacos.ask("POST", `/v1/ns/instance?${query}`);
    if (status !== 200) throw new Error(`nacos answered ${status}: ${body}`);
  };
}
