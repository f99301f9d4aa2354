import { afterAll, beforeAll, expect, test } from "vitest";
import { type Eureka, startEureka } from "../support/eureka.ts";
import { rawInstance } from "../support/eureka-documents.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, peakMemoryMb, stopAll } from "../support/process.ts";
import { startTrestle } from "../support/trestle.ts";

const PORT = 18_761;
const BASE = `http://${hosts.trestle}:${PORT}/eureka`;
const INSTANCES = 20_000;
/** One at a time so many; the rest in batches of replication, which hold 250 at most: one by one they take minutes of the server. */
const POSTED = 1_000;
const BATCH = 250;
const PATIENT_MS = 90_000;
const MAX_PARENT_MB = 1_024;

let eureka: Eureka;

beforeAll(async () => {
  requireNamespace();
  eureka = await startEureka({ heapMb: 768 });
}, 180_000);

afterAll(async () => {
  await stopAll();
  await eureka?.stop();
});

function instanceOf(i: number) {
  return rawInstance({ app: `flood-${i % 100}`, host: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, port: 8_080 });
}

async function send(method: string, path: string, body?: unknown): Promise<number> {
  const answer = await fetch(BASE + path, {
    method,
    headers: { "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

test("Eureka: one client registers 20,000 instances; another one registers, renews and is known all the time", async () => {
  const trestle = await startTrestle({
    registry: `eureka://${hosts.registry}:8761/eureka`,
    facade: `eureka://${hosts.trestle}:${PORT}/eureka`,
  });
  try {
    const steady = rawInstance({ app: "steady", host: hosts.provider1, port: 9_000 });
    const renewals: number[] = [];
    const renew = async () => renewals.push(await send("PUT", `/apps/STEADY/${steady["instanceId"]}?status=UP`));
    expect(await send("POST", "/apps/STEADY", { instance: steady })).toBe(204);
    let at = 0;
    const posting = Array.from({ length: 32 }, async () => {
      while (at < POSTED) {
        const instance = instanceOf(at++);
        expect(await send("POST", `/apps/${instance["app"]}`, { instance })).toBe(204);
      }
    });
    await renew();
    await Promise.all(posting);
    for (let first = POSTED; first < INSTANCES; first += BATCH) {
      const replicationList = Array.from({ length: BATCH }, (_, i) => {
        const instance = instanceOf(first + i);
        const { app: appName, instanceId: id, status } = instance;
        return {
          ...{ appName, id, status, instanceInfo: instance },
          action: "Register",
          lastDirtyTimestamp: 1_700_000_000_000,
        };
      });
      expect(await send("POST", "/peerreplication/batch/", { replicationList })).toBe(200);
      if (first % 10_000 === 0) await renew();
    }
    await renew();
    expect(new Set(renewals)).toEqual(new Set([200]));
    await eventually(
      "the mesh knows them",
      async () =>
        (await trestle.get("/metrics")).body.includes(
          `trestle_registry_endpoints{registry="eureka-${hosts.registry}:8761"} ${INSTANCES + 1}`,
        ),
      PATIENT_MS,
      1_000,
    );
    expect(peakMemoryMb(trestle.peer.pid)).toBeLessThan(MAX_PARENT_MB);
  } finally {
    await trestle.stop();
  }
}, 240_000);
