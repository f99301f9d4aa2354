/**
 * Arguments and results of com.acme.OrderService as the messages of fixtures/peers/grpc/orders.proto, in the form of
 * `@grpc/proto-loader` (longs and enums as text), and back into the neutral form of values.ts.
 */
type Fields = Readonly<Record<string, unknown>>;

/** The request message of a method. */
export function toMessage(method: string, args: readonly unknown[]): unknown {
  const [arg] = args;
  switch (method) {
    case "whoAmI":
    case "attachments":
      return {};
    case "getOrder":
    case "find":
    case "cancelOrder":
    case "laterOrder":
      return { id: String(arg) };
    case "createOrder":
      return orderMessage(arg as Fields);
    case "listOrders":
      return { count: arg };
    case "ordersByKey":
    case "echoStrings":
      return { keys: arg };
    case "echoSet":
      return { keys: [...(arg as Set<string>)] };
    case "sleep":
      return { ms: String(arg) };
    case "echoLong":
      return { value: String(arg) };
    case "echoBoxedLong":
      return arg === null ? {} : { value: String(arg) };
    case "echoInts":
      return { values: arg };
    case "echoMap":
    case "echoLongKeys":
      return { entries: arg };
    case "echoDate":
      return { value: toTimestamp((arg as Date).toISOString()) };
    case "echoTimes":
      return timesMessage(arg as Fields);
    case "echoStatus":
      return { value: `ORDER_STATUS_${String(arg)}` };
    default:
      return { value: arg };
  }
}

/** What a method's answer says. */
export function fromMessage(method: string, message: unknown): unknown {
  const fields = message as Record<string, unknown>;
  switch (method) {
    case "whoAmI":
      return fields;
    case "cancelOrder":
      return null;
    case "getOrder":
    case "createOrder":
    case "find":
    case "laterOrder":
      return neutralOrder(fields);
    case "listOrders":
      return (fields["orders"] as Fields[]).map(neutralOrder);
    case "ordersByKey":
      return Object.fromEntries(
        Object.entries(fields["orders"] as Record<string, Fields>).map(([key, order]) => [key, neutralOrder(order)]),
      );
    case "echoLong":
      return BigInt(String(fields["value"]));
    case "echoBoxedLong":
      return fields["_value"] === undefined ? null : BigInt(String(fields["value"]));
    case "echoStrings":
      return fields["keys"];
    case "echoSet":
      return new Set(fields["keys"] as string[]);
    case "echoInts":
      return fields["values"];
    case "attachments":
    case "echoMap":
    case "echoLongKeys":
      return fields["entries"];
    case "echoDate":
      return new Date(fromTimestamp(fields["value"]));
    case "echoTimes":
      return neutralTimes(fields);
    case "echoStatus":
      return String(fields["value"]).replace("ORDER_STATUS_", "");
    default:
      return fields["value"];
  }
}

/** An order as the loader takes it. */
export function orderMessage(order: Fields): unknown {
  const { id, status, created, note, servedBy, ...rest } = order;
  return {
    ...rest,
    id: String(id),
    status: `ORDER_STATUS_${String(status)}`,
    created: toTimestamp((created as Date).toISOString()),
    ...(note !== null && { note }),
    ...(servedBy !== null && { servedBy }),
  };
}

function neutralOrder(fields: Fields): unknown {
  const { _note, id, status, created, note, servedBy, customer, lines, ...rest } = fields;
  return {
    ...rest,
    id: BigInt(String(id)),
    customer,
    lines,
    status: String(status).replace("ORDER_STATUS_", ""),
    created: created === null ? null : new Date(fromTimestamp(created)),
    note: _note === undefined ? null : note,
    servedBy: servedBy === "" ? null : servedBy,
  };
}

function timesMessage(times: Fields): unknown {
  return {
    date: toTimestamp((times["date"] as Date).toISOString()),
    day: toTimestamp(`${String(times["day"])}T00:00:00Z`),
    time: times["time"],
    dateTime: toTimestamp(`${String(times["dateTime"])}Z`),
    instant: toTimestamp(String(times["instant"])),
  };
}

function neutralTimes(fields: Fields): unknown {
  return {
    date: new Date(fromTimestamp(fields["date"])),
    day: fromTimestamp(fields["day"]).slice(0, 10),
    time: String(fields["time"]).replace(/0+$/, ""),
    dateTime: fromTimestamp(fields["dateTime"]).slice(0, -1),
    instant: fromTimestamp(fields["instant"]),
  };
}

/** A google.protobuf.Timestamp of ISO-8601 text that ends in Z, with nine digits of a second at most. */
export function toTimestamp(text: string): { readonly seconds: string; readonly nanos: number } {
  const [, whole = "", fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(text) ?? [];
  return { seconds: String(Date.parse(`${whole}Z`) / 1000), nanos: Number(fraction.padEnd(9, "0")) };
}

function fromTimestamp(value: unknown): string {
  const { seconds, nanos } = value as { readonly seconds: string; readonly nanos: number };
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return nanos === 0 ? `${whole}Z` : `${whole}.${String(nanos).padStart(9, "0").replace(/0+$/, "")}Z`;
}
