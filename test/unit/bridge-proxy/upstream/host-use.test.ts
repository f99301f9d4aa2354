import { expect, test } from "vitest";
import { HostUse } from "../../../../src/bridge-proxy/upstream/host-use.ts";

class Address {
  retired = 0;
  retire(): void {
    this.retired++;
  }
}

const listed = (host: Address, payloadBytes = 0) => ({ host, payloadBytes });

test("an address is retired once no cluster lists it any more", () => {
  const use = new HostUse();
  const [a, b] = [new Address(), new Address()];
  use.set("one", [[listed(a)], [listed(b)]]);
  use.set("two", [[listed(a)]]);
  use.set("one", [[listed(b)]]);
  use.retireLeft();
  expect([a.retired, b.retired]).toEqual([0, 0]);
  use.set("two", []);
  use.retireLeft();
  use.retireLeft();
  expect([a.retired, b.retired]).toEqual([1, 0]);
});

test("one that moves from a cluster to another stays, in whatever order that is told", () => {
  const use = new HostUse();
  const a = new Address();
  use.set("one", [[listed(a)]]);
  use.set("one", []);
  use.set("two", [[listed(a)]]);
  use.retireLeft();
  expect(a.retired).toBe(0);
});

test("the largest payload is that of all who are listed", () => {
  const use = new HostUse();
  const a = new Address();
  expect(use.largestPayload).toBe(0);
  use.set("one", [[listed(a, 10), listed(a, 50)]]);
  use.set("two", [[listed(a, 20)]]);
  expect(use.largestPayload).toBe(50);
  use.set("one", [[listed(a, 10)]]);
  expect(use.largestPayload).toBe(20);
  use.set("two", []);
  expect(use.largestPayload).toBe(10);
});
