import { describe, expect, test } from "vitest";
import { createXdsMetrics, shortType } from "../../../../src/control/xds/metrics.ts";
import { TYPES } from "../../../support/xds-playbook.ts";

describe("metrics of the xDS server", () => {
  test.each(Object.entries(TYPES))("%s is what people call its type", (name, typeUrl) => {
    expect(shortType(typeUrl)).toBe(name.toLowerCase());
  });

  test("a type that nobody knows is called by its last word", () => {
    expect(shortType("type.googleapis.com/a.b.Thing")).toBe("Thing");
    expect(shortType("x".repeat(1_000))).toHaveLength(60);
  });

  test("they have Istio's names", () => {
    const metrics = createXdsMetrics();
    metrics.setClients(3);
    metrics.pushed(TYPES["CDS"]!, 20_000);
    metrics.refused(TYPES["LDS"]!);
    metrics.stale(TYPES["EDS"]!);
    metrics.converged(700);
    metrics.triggered(100);
    metrics.failed();
    metrics.ended("limit");
    const text = metrics.expose();
    for (const line of [
      "pilot_xds 3",
      'pilot_xds_pushes{type="cds"} 1',
      'pilot_total_xds_rejects{type="lds"} 1',
      'pilot_xds_expired_nonce{type="eds"} 1',
      'pilot_proxy_convergence_time_bucket{le="1"} 1',
      'pilot_debounce_time_bucket{le="0.1"} 1',
      'pilot_xds_config_size_bytes_bucket{type="cds",le="1000000"} 1',
      "pilot_total_xds_internal_errors 1",
      'trestle_xds_streams_ended_total{reason="limit"} 1',
    ])
      expect(text).toContain(line);
  });
});
