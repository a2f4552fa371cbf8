/** What the layout needs of the cluster. */
export interface Sketch {
  /** The services with the number of their nodes; `api` is the gateway. */
  services: readonly { name: string; nodes: number }[];
  /** The services that have a database. */
  databases: readonly string[];
  flows: readonly Flow[];
  hasNats: boolean;
}

/** A flow between two services. A `STATEMENT` goes to the database of the service. */
interface Flow {
  kind: "REQUEST" | "CALL" | "STATEMENT" | "EVENT";
  from: string;
  to: string;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Point {
  x: number;
  y: number;
}

/** The line of a flow, with the place of its label. */
export interface Curve {
  path: string;
  label: Point;
  anchor: "start" | "middle" | "end";
  /** What the label has room for. The card at the end of a line without `rate` shows the rate. */
  has: "rate and time" | "rate" | "failures";
}

/** The places of all parts, in pixels. */
export interface Layout {
  height: number;
  clients: Box;
  services: Map<string, Box>;
  databases: Map<string, Box>;
  nats: Box | undefined;
  /** The curves in the order of the flows; undefined where an end is not on the picture. */
  curves: (Curve | undefined)[];
}

export const gatewayName = "api";

const cardHead = 46;
const nodeHeight = 34;
const cardPadding = 10;
/** A card with more nodes has two columns. */
const nodesInOneColumn = 4;
const gap = 40;
const databaseHeight = 84;
const clientsHeight = 36;
const clientsGap = 64;

/** The height of a service's card. A card without nodes has a row that says so. */
function cardHeight(nodes: number): number {
  const rows = nodes > nodesInOneColumn ? Math.ceil(nodes / 2) : Math.max(nodes, 1);
  return cardHead + rows * nodeHeight + cardPadding;
}

export function hasTwoColumns(nodes: number): boolean {
  return nodes > nodesInOneColumn;
}

/**
 * Places the cluster in three columns: the gateway, the services, and their databases. NATS is a bar
 * between gateway and services, because all calls of a cluster pass through it.
 */
export function layoutOf(sketch: Sketch, width: number): Layout {
  const gatewayWidth = Math.round(width * 0.19);
  const serviceWidth = Math.round(width * 0.22);
  const databaseWidth = Math.round(width * 0.17);
  const serviceX = Math.round(width * 0.425);

  const services = new Map<string, Box>();
  let y = 8;
  for (const { name, nodes } of sketch.services) {
    if (name === gatewayName) continue;
    const height = cardHeight(nodes);
    services.set(name, { x: serviceX, y, width: serviceWidth, height });
    y += height + gap;
  }
  const gatewayNodes = sketch.services.find(({ name }) => name === gatewayName)?.nodes ?? 0;
  const gatewayHeight = cardHeight(gatewayNodes);
  const gatewayBlock = clientsHeight + clientsGap + gatewayHeight;
  const height = Math.max(y - gap, gatewayBlock) + 8;
  const clientsY = Math.round((height - gatewayBlock) / 2);
  const gatewayY = clientsY + clientsHeight + clientsGap;
  services.set(gatewayName, { x: 0, y: gatewayY, width: gatewayWidth, height: gatewayHeight });

  const databases = new Map<string, Box>();
  for (const name of sketch.databases) {
    const service = services.get(name);
    if (!service) continue;
    const centre = service.y + service.height / 2;
    const top = Math.round(centre - databaseHeight / 2);
    const x = width - databaseWidth;
    databases.set(name, { x, y: top, width: databaseWidth, height: databaseHeight });
  }
  const boxes = {
    clients: { x: gatewayWidth / 2 - 52, y: clientsY, width: 104, height: clientsHeight },
    services,
    databases,
  };
  const natsX = Math.round(width * 0.27);
  const nats = sketch.hasNats ? { x: natsX, y: 0, width: 30, height } : undefined;
  return { height, ...boxes, nats, curves: curvesOf(sketch.flows, boxes, width) };
}

type Boxes = Pick<Layout, "clients" | "services" | "databases">;

function curvesOf(flows: readonly Flow[], boxes: Boxes, width: number): Layout["curves"] {
  const order = [...boxes.services.keys()].filter((name) => name !== gatewayName);
  const calls = flows.filter(({ kind, from }) => kind === "CALL" && from === gatewayName).length;
  let call = 0;
  return flows.map(({ kind, from, to }) => {
    const [source, target] = [boxes.services.get(from), boxes.services.get(to)];
    if (kind === "REQUEST") return target && downTo(boxes.clients, target);
    if (!source) return;
    if (kind === "STATEMENT") {
      const database = boxes.databases.get(to);
      return database && toDatabase(source, database);
    }
    if (!target || from === to) return;
    if (from === gatewayName) {
      call += 1;
      return fromGateway(source, target, call / (calls + 1));
    }
    // More services between the ends widen the arc. The way back is inside the way.
    const [start, end] = [order.indexOf(from), order.indexOf(to)];
    const span = Math.abs(start - end) - (start > end ? 0.4 : 0);
    const lane = Math.min(1, 0.2 + span * 0.27);
    return kind === "CALL"
      ? arc(source, target, -lane * width * 0.15)
      : arc(source, target, lane * width * 0.165);
  });
}

function downTo(source: Box, target: Box): Curve {
  const x = source.x + source.width / 2;
  const [top, bottom] = [source.y + source.height, target.y - 7];
  const label = { x: x + 14, y: (top + bottom) / 2 + 1 };
  return { path: `M${x} ${top} L${x} ${bottom}`, label, anchor: "start", has: "rate and time" };
}

/** @param port where on the side of the gateway the curve begins, 0 to 1 */
function fromGateway(source: Box, target: Box, port: number): Curve {
  const start = { x: source.x + source.width, y: source.y + source.height * port };
  const end = { x: target.x - 7, y: target.y + 24 };
  const middle = (start.x + end.x) / 2;
  const path = `M${start.x} ${start.y} C${middle} ${start.y} ${middle} ${end.y} ${end.x} ${end.y}`;
  return { path, label: { x: end.x - 12, y: end.y - 16 }, anchor: "end", has: "failures" };
}

function toDatabase(source: Box, target: Box): Curve {
  const y = target.y + target.height / 2;
  const [start, end] = [source.x + source.width, target.x - 7];
  const path = `M${start} ${y} L${end} ${y}`;
  return { path, label: { x: end - 12, y: y - 16 }, anchor: "end", has: "failures" };
}

/** @param reach how far to the right of the cards the control points are; negative: to the left */
function arc(source: Box, target: Box, reach: number): Curve {
  const isDown = source.y < target.y;
  const side = reach < 0 ? source.x : source.x + source.width;
  // It leaves near the edge that faces the target, and arrives beside what leaves there.
  const startY = isDown ? source.y + source.height - 14 : source.y + 14;
  const endY = isDown ? target.y + (reach < 0 ? 42 : 14) : target.y + target.height - 26;
  const tip = side + (reach < 0 ? -7 : 7);
  const control = side + reach;
  const path = `M${side} ${startY} C${control} ${startY} ${control} ${endY} ${tip} ${endY}`;
  // Before the middle, so that the labels of a way and its way back do not meet.
  const t = 0.3;
  const reached = 3 * t * (1 - t) * reach;
  const passed = t * t * (3 - 2 * t);
  const label = { x: side + reached, y: startY + passed * (endY - startY) };
  return { path, label, anchor: "middle", has: "rate" };
}
