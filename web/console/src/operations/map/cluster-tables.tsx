import { useState, type ReactNode } from "react";
import { mapTexts } from "../../texts/cluster-map.ts";
import { operationsTexts } from "../../texts/operations.ts";
import { formatNumber } from "../../ui/format.ts";
import { Table, type Column } from "../../ui/lists/table.tsx";
import {
  formatBytes,
  formatMs,
  formatPercent,
  formatPercentile,
  formatRate,
  formatSeconds,
} from "../units.ts";
import { gatewayName } from "./picture/cluster-layout.ts";
import { membersOf } from "./cluster-members.ts";
import { keyOfFlow } from "./picture/cluster-sketch.ts";
import { orUnknown } from "./node-dialog.tsx";
import { NodeStateBadge } from "./node-state-badge.tsx";
import type { Cluster, ClusterDatabase, ClusterEdge, ClusterNode } from "./use-cluster.ts";
import styles from "./map-page.module.css";

const { columns: titles } = mapTexts;

interface ClusterTablesProps {
  cluster: Cluster;
  onSelect: (node: string) => void;
}

/** The content of the picture as tables: for phones, where it has no room, and for screen readers. */
export function ClusterTables({ cluster, onSelect }: ClusterTablesProps) {
  const { nodes, edges, databases } = cluster;
  const { shop, tools } = membersOf(nodes);
  return (
    <section className={styles.tables}>
      <h2>{mapTexts.asTables}</h2>
      <Foldable title={mapTexts.nodesTable} isOpenOnPhones>
        <Table
          caption={mapTexts.nodesTable}
          columns={nodeColumns(onSelect)}
          rows={shop}
          keyOf={({ id }) => id}
        />
      </Foldable>
      {tools.length > 0 && (
        <Foldable title={mapTexts.toolsTable}>
          <Table
            caption={mapTexts.toolsTable}
            columns={nodeColumns(onSelect)}
            rows={tools}
            keyOf={({ id }) => id}
          />
        </Foldable>
      )}
      <Foldable title={mapTexts.flowsTable}>
        <Table caption={mapTexts.flowsTable} columns={flowColumns} rows={edges} keyOf={keyOfFlow} />
      </Foldable>
      <Foldable title={mapTexts.databasesTable}>
        <Table
          caption={mapTexts.databasesTable}
          columns={databaseColumns}
          rows={databases}
          keyOf={({ service }) => service}
        />
      </Foldable>
    </section>
  );
}

interface FoldableProps {
  title: string;
  isOpenOnPhones?: boolean;
  children: ReactNode;
}

/** A part that is rendered while it is open only: the cluster changes every two seconds. */
function Foldable({ title, isOpenOnPhones = false, children }: FoldableProps) {
  const [isOpen, setOpen] = useState(
    () => isOpenOnPhones && matchMedia("(max-width: 899px)").matches,
  );
  return (
    <details
      className={styles.details}
      open={isOpen}
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary className={styles.summary}>{title}</summary>
      {isOpen && children}
    </details>
  );
}

function nodeColumns(onSelect: (node: string) => void): readonly Column<ClusterNode>[] {
  return [
    {
      title: titles.node,
      cell: ({ id }) => (
        <button
          type="button"
          className={styles.node}
          onClick={() => {
            onSelect(id);
          }}
        >
          {id}
        </button>
      ),
    },
    { title: titles.state, cell: (node) => <NodeStateBadge node={node} /> },
    { title: titles.services, cell: ({ services }) => services.join(", ") || "–" },
    {
      title: titles.cpu,
      cell: (node) => orUnknown(node.cpuPercent, formatPercent),
      isNumber: true,
    },
    {
      title: titles.memory,
      cell: (node) => orUnknown(node.memoryBytes, formatBytes),
      isNumber: true,
    },
    {
      title: titles.delay,
      cell: (node) => orUnknown(node.loopDelayMs, formatMs),
      isNumber: true,
    },
    {
      title: titles.uptime,
      cell: (node) => orUnknown(node.uptimeSeconds, formatSeconds),
      isNumber: true,
    },
  ];
}

const names: Partial<Record<string, string>> = {
  [gatewayName]: mapTexts.gateway,
  operator: mapTexts.operator,
};

/** Returns how people name the ends of a flow. */
function flowName({ kind, from, to }: Pick<ClusterEdge, "kind" | "from" | "to">): string {
  if (kind === "REQUEST") return mapTexts.flow(mapTexts.clients, mapTexts.gateway);
  const source = names[from] ?? from;
  return mapTexts.flow(source, kind === "STATEMENT" ? mapTexts.database : to);
}

const flowColumns: readonly Column<ClusterEdge>[] = [
  { title: titles.flow, cell: (edge) => <strong>{flowName(edge)}</strong> },
  { title: titles.kind, cell: ({ kind }) => mapTexts.kinds[kind] },
  { title: titles.rate, cell: ({ rate }) => formatRate(rate.perSecond), isNumber: true },
  {
    title: titles.failed,
    cell: ({ rate: { errorsPerSecond: failed } }) => (
      <span className={failed > 0 ? styles.failing : undefined}>{formatRate(failed)}</span>
    ),
    isNumber: true,
  },
  { title: titles.p50, cell: ({ rate }) => timeOrNone(rate.p50Ms), isNumber: true },
  { title: titles.p95, cell: ({ rate }) => timeOrNone(rate.p95Ms), isNumber: true },
  { title: titles.p99, cell: ({ rate }) => timeOrNone(rate.p99Ms), isNumber: true },
];

function timeOrNone(ms: number | null): string {
  return ms === null ? operationsTexts.none : formatPercentile(ms);
}

const databaseColumns: readonly Column<ClusterDatabase>[] = [
  { title: titles.service, cell: ({ service }) => <strong>{service}</strong> },
  { title: titles.connections, cell: (database) => connectionsText(database), isNumber: true },
  {
    title: titles.statements,
    cell: ({ statements }) => formatRate(statements.perSecond),
    isNumber: true,
  },
];

/** Says how many connections of a database are in use. */
export function connectionsText(database: ClusterDatabase): string {
  const { usedConnections: used, maxConnections: max, waiting } = database;
  const numbers = [formatNumber(used), formatNumber(max)] as const;
  if (waiting === 0) return mapTexts.connections(...numbers);
  return mapTexts.connectionsWaiting(...numbers, formatNumber(waiting));
}
