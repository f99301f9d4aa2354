import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createEurekaFacade, type EurekaFacade } from "../../src/registry-sync/facades/eureka.ts";
import { createPresentContext } from "../../src/registry-sync/present/context.ts";
import { rawInstance } from "../support/eureka-documents.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually } from "../support/process.ts";

// A server of bare sockets behind a facade: what reaches it, on which connection, and when.

/** A request as it came, to be answered. */
interface Came {
  readonly connection: number;
  readonly head: string;
  readonly body: string;
  answer(status: number): void;
  /** Closes the connection without an answer. */
  drop(): void;
}

const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Bytes as requests with `content-length` bodies, and what is done with each as it comes. */
async function startServer(onRequest: (came: Came) => void): Promise<number> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    const connection = ++connections;
    sockets.add(socket);
    socket.on("error", () => {});
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (;;) {
        const end = text.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = text.slice(0, end);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        const body = text.slice(end + 4, end + 4 + length);
        text = text.slice(end + 4 + length);
        const answer = (status: number) => socket.write(`HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`);
        onRequest({ connection, head, body, answer, drop: () => socket.destroy() });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, hosts.registry, resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as { port: number }).port;
}

async function startFacade(...ports: readonly number[]): Promise<{ facade: EurekaFacade; base: string }> {
  requireNamespace();
  const facade = await createEurekaFacade({
    listen: { host: hosts.trestle, port: 0 },
    upstream: ports.map((port) => ({ host: hosts.registry, port })),
    context: createPresentContext({ addresses: [] }),
  });
  ends.push(() => facade.close());
  return { facade, base: `http://${hosts.trestle}:${facade.address.port}/eureka` };
}

const instance = rawInstance({ app: "svc-b", host: hosts.provider1, port: 9001 });
const path = `/apps/SVC-B/${instance["instanceId"]}`;
const register = (base: string, status: string) =>
  fetch(`${base}/apps/SVC-B`, {
    ...{ method: "POST", headers: { "content-type": "application/json" } },
    body: JSON.stringify({ instance: { ...instance, status } }),
  });

test("registrations of one instance that come at the same time reach the server one after the other, those of others beside them", async () => {
  const came: Came[] = [];
  const { base } = await startFacade(await startServer((one) => void came.push(one)));
  const first = register(base, "STARTING");
  await eventually("the first", () => came.length === 1);
  const second = register(base, "UP");
  const other = fetch(`${base}/apps/SVC-C/c`, { method: "PUT" });
  await eventually("the other instance's", () => came.length === 2);
  expect(came.map(({ head }) => head.split(" HTTP")[0])).toEqual([
    "POST /eureka/apps/SVC-B",
    "PUT /eureka/apps/SVC-C/c",
  ]);
  came[0]!.answer(204);
  expect((await first).status).toBe(204);
  await eventually("the second", () => came.length === 3);
  expect(came.map(({ body }) => (body === "" ? "" : JSON.parse(body).instance.status))).toEqual(["STARTING", "", "UP"]);
  came[1]!.answer(200);
  came[2]!.answer(204);
  expect([(await second).status, (await other).status]).toEqual([204, 200]);
});

test("a request on a kept connection that the server closes just then is sent anew on another one", async () => {
  const came: Came[] = [];
  const { base } = await startFacade(
    await startServer((one) => {
      came.push(one);
      if (came.length === 2) one.drop();
      else one.answer(200);
    }),
  );
  expect((await fetch(`${base}${path}?status=UP`, { method: "PUT" })).status).toBe(200);
  expect((await fetch(`${base}${path}?status=UP`, { method: "PUT" })).status).toBe(200);
  expect(came.map(({ connection }) => connection)).toEqual([1, 1, 2]);
});

test("a server that closes each new connection is passed by, and where all do clients get 503", async () => {
  const came: string[] = [];
  const dropping = await startServer((one) => {
    came.push("dropped");
    one.drop();
  });
  const answering = await startServer((one) => {
    came.push("answered");
    one.answer(200);
  });
  const both = await startFacade(dropping, answering);
  for (let i = 0; i < 2; i++) expect((await fetch(`${both.base}${path}`, { method: "PUT" })).status).toBe(200);
  expect(came).toEqual(["dropped", "answered", "answered"]);
  const none = await startFacade(dropping, dropping);
  const answer = await fetch(`${none.base}${path}`, { method: "PUT" });
  expect([answer.status, await answer.text()]).toEqual([503, "no server of the registry answers"]);
});
