import { afterAll, beforeAll, expect, test } from "vitest";
import { type Nacos, startNacos } from "../support/nacos.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { springClients, startSpringCloud } from "../support/spring-cloud.ts";
import { startTrestle, type Trestle } from "../support/trestle.ts";

// Unmodified applications on a Nacos, with the facade's address as their registry's.
const inside = `${hosts.trestle}:18848`;

let nacos: Nacos;
let trestle: Trestle;

beforeAll(async () => {
  requireNamespace();
  nacos = await startNacos(hosts.registry);
  trestle = await startTrestle({ registry: nacos.address, facade: `nacos://${inside}` });
}, 120_000);

afterAll(async () => {
  await trestle?.stop();
  await stopAll();
  await nacos?.stop();
});

/** The client of Spring Cloud Alibaba 2021.0.6.0 is 2.2.0, that of 2025.0.0.0 3.0.3. */
const stacks = ["nacos-2021", "nacos-2025"] as const;

test("Spring Cloud applications of 2021 and 2025 register, and call each other through the proxy's ports", async () => {
  const callees = await Promise.all(
    stacks.map((stack, i) =>
      startSpringCloud({
        stack,
        registry: inside,
        role: "callee",
        name: `of-${stack}`,
        host: hosts.provider1,
        port: 9_001 + i,
      }),
    ),
  );
  for (const { name, address } of callees)
    expect((await nacos.instances(name)).map(({ ip, port }) => `${ip}:${port}`)).toEqual([address]);
  const callers = await Promise.all(
    stacks.map((stack, i) =>
      startSpringCloud({
        stack,
        registry: inside,
        role: "caller",
        name: `by-${stack}`,
        host: hosts.provider2,
        port: 9_101 + i,
      }),
    ),
  );
  for (const caller of callers) {
    for (const callee of callees) {
      const { name } = callee;
      await eventually("the proxy is shown", async () => (await caller.instances(name))[0]?.host === hosts.trestle);
      for (const client of springClients) {
        // Its load balancer keeps a list for a second.
        const echo = await eventually("led", async () => {
          const said = await caller.echo({ client, service: name, path: "/echo/hello" });
          return said.host.startsWith(`${hosts.trestle}:`) ? said : undefined;
        });
        expect([echo.id, echo.path]).toEqual([callee.id, "/echo/hello"]);
      }
    }
  }
  // Out of order by intent: its own lists are empty at once.
  for (const callee of callees) {
    await callee.peer.stop();
    for (const caller of callers)
      await eventually("gone", async () => (await caller.instances(callee.name)).length === 0, 20_000);
  }
  await Promise.all(callers.map(({ peer }) => peer.stop()));
}, 180_000);
