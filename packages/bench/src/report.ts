import { markdownTable } from 'markdown-table'
import { machine } from './machine.ts'
import { hasCcxt, peers, versionOf } from './peers/index.ts'
import type { ByCase, Column, Row } from './rows/row.ts'

export interface Measured {
  readonly row: Row
  readonly figures: ByCase
}

const HEADGATE = 'Headgate'

/** All that was measured, as Markdown. */
export function report(measured: readonly Measured[], quick: boolean): string {
  const versions = peers.map(peer => (peer.package === undefined ? peer.name : `${peer.name} ${versionOf(peer)}`))
  return [
    '# Headgate beside the limiters of the field',
    `Written by \`pnpm bench\` on ${new Date().toISOString().slice(0, 10)}. ${machine()}. ${versions.join(', ')}.`,
    ...(quick ? ['**A smoke run (`--quick`): far too short to mean anything.**'] : []),
    `Each figure is measured in a process of its own. ×: how many times Headgate's figure. ${ccxtSays()}`,
    ...measured.flatMap(({ row, figures }) => [
      `## ${row.title}`,
      row.about,
      ...row.columns.map(column => table(column, figures)),
    ]),
    '',
  ].join('\n\n')
}

function ccxtSays(): string {
  const why =
    'As a package it is 63 MB in 1,320 files with install scripts (2026-11), of which the bench needs one file; so no installation but `pnpm bench:ccxt` brings it.'
  return hasCcxt
    ? `ccxt: its throttler alone (\`rollingWindow\`). ${why}`
    : `ccxt is not installed here and was left out. ${why}`
}

function table(column: Column, figures: ByCase): string {
  const asked = peers.filter(peer => [...figures.values()].some(byPeer => byPeer.has(peer.name)))
  const hasTarget = column.target !== undefined
  const head = [column.title, ...asked.map(peer => peer.name), ...(hasTarget ? ['target for Headgate'] : [])]
  const lines = [...figures].map(([name, byPeer]) => {
    const ours = byPeer.get(HEADGATE)?.[column.figure]
    const cells = asked.map(({ name: peer }) => {
      if (!byPeer.has(peer)) return '–'
      const value = byPeer.get(peer)?.[column.figure]
      if (value === undefined) return 'not in time'
      const ratio = column.hasRatio && peer !== HEADGATE && ours !== undefined ? ` (×${ratioOf(value / ours)})` : ''
      return column.show(value) + ratio
    })
    return [name, ...cells, ...(hasTarget ? [column.target?.(name, figures) ?? ''] : [])]
  })
  const align = head.map((_, index) => (index === 0 ? 'l' : 'r'))
  return markdownTable([head, ...lines], { align, alignDelimiters: false, padding: true })
}

function ratioOf(ratio: number): string {
  return ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0)
}
