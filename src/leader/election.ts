// The election as Mesos reads it (src/zookeeper/group.cpp, src/master/detector): which children of the path are
// candidates, in which order, and what follows from their data. Pure.

import { formatEndpoint, type Master } from './leader.ts';
import type { DecodedMaster, MasterInfoFormat } from './master-info.ts';

/** A child of the election path that a master made. */
export interface Candidate {
  readonly name: string;
  /** ZooKeeper's counter: int32, zero-padded in the name. The lowest one leads. */
  readonly sequence: number;
  readonly format: MasterInfoFormat;
}

/** What the election says now. */
export interface Election {
  /** null where nobody is a candidate, or where the first one's data cannot be read. */
  readonly leader: { readonly nodeName: string; readonly master: Master } | null;
  /** Distinct endpoints: the leader first, the others by sequence. */
  readonly masters: readonly Master[];
  readonly odd: readonly { readonly nodeName: string; readonly reason: string }[];
}

/** The label in front of the sequence number, and what it says about the data. */
const FORMAT_OF_LABEL: Readonly<Record<string, MasterInfoFormat>> = {
  '': 'pid', // 0.16 and older
  info: 'protobuf', // 0.17 to 0.23
  'json.info': 'json', // since 0.24
};

const INT32_MIN = -0x8000_0000;
const INT32_MAX = 0x7fff_ffff;

/** The candidates among the children, the leader first. Others (`log_replicas`, unknown labels) are left out. */
export function candidatesOf(children: readonly string[]): readonly Candidate[] {
  return children
    .map(candidateOf)
    .filter((candidate) => candidate !== null)
    .sort((a, b) => a.sequence - b.sequence || (a.name < b.name ? -1 : 1));
}

function candidateOf(name: string): Candidate | null {
  const underscore = name.lastIndexOf('_');
  const label = underscore < 0 ? '' : name.slice(0, underscore);
  const digits = name.slice(underscore + 1);
  const format = Object.hasOwn(FORMAT_OF_LABEL, label) ? FORMAT_OF_LABEL[label] : undefined;
  // The counter is signed and wraps, so a minus sign is possible; Mesos compares what it reads, and so do we.
  if (format === undefined || !/^-?\d{1,10}$/.test(digits) || (underscore === 0 && label === '')) return null;
  const sequence = Number(digits);
  return sequence < INT32_MIN || sequence > INT32_MAX ? null : { name, sequence, format };
}

/**
 * @param candidates in the order of candidatesOf
 * @param decoded the data of each candidate, by position
 */
export function electionOf(candidates: readonly Candidate[], decoded: readonly DecodedMaster[]): Election {
  const masters = new Map<string, Master>();
  const odd: { nodeName: string; reason: string }[] = [];
  let leader: Election['leader'] = null;

  candidates.forEach((candidate, index) => {
    const result = decoded[index];
    if (result === undefined) return;
    if (result.kind === 'odd') {
      odd.push({ nodeName: candidate.name, reason: result.reason });
      return;
    }
    if (index === 0) leader = { nodeName: candidate.name, master: result.master };
    // One master has two nodes for a while after ZooKeeper was restarted: the old session's and the new one's.
    const endpoint = formatEndpoint(result.master);
    if (!masters.has(endpoint)) masters.set(endpoint, result.master);
  });
  return { leader, masters: [...masters.values()], odd };
}
