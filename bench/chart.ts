import type { ApiOptions } from './apiOptions.ts'
import type { Ratio } from './ratios.ts'
import type { ContenderName } from './servers.ts'

// The floor has no security and is no peer; it stands in the table alone.
const shown: { server: ContenderName; label: string; light: string; dark: string }[] = [
  { server: 'handwritten', label: 'Express and pg by hand', light: '#0b6e99', dark: '#5bb8e0' },
  { server: 'postgraphile', label: 'stock PostGraphile', light: '#c2571a', dark: '#f0a06a' },
  { server: 'orm', label: 'Yoga, Pothos and Drizzle', light: '#5b8c2a', dark: '#a5d66f' },
]

const bar = 11
const gap = 16
const left = 100
const panel = 260
const top = 76

/** A bar for each ratio of requests per second, by workload; a panel for each number of connections. */
export function chart(ratios: Ratio[], { connections, workloads, servers }: ApiOptions): string {
  const peers = shown.filter(({ server }) => servers.includes(server))
  const ofPeers = ratios.filter(({ server }) => peers.some((peer) => peer.server === server))
  const most = Math.max(2, ...ofPeers.map(({ perSecond }) => Math.ceil(perSecond * 2) / 2))
  const group = peers.length * bar + gap
  const bottom = top + workloads.length * group
  const width = Math.max(620, left + connections.length * panel)
  const scale = (value: number) => (value / most) * (panel - 60)
  const parts: string[] = []
  const text = (x: number, y: number, words: string, anchor = 'start') =>
    parts.push(`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${words}</text>`)

  text(10, 20, 'Requests per second, Plinth relative to the others; right of the line, Plinth is faster')
  peers.forEach(({ server, label }, index) => {
    parts.push(`<rect class="${server}" x="${10 + index * 190}" y="32" width="12" height="12"/>`)
    text(28 + index * 190, 42, label)
  })
  workloads.forEach(({ name }, row) => text(left - 8, top + row * group + (group - gap) / 2 + 4, name, 'end'))

  connections.forEach((count, column) => {
    const x = left + column * panel
    text(x, top - 10, `${count} connection${count === 1 ? '' : 's'}`)
    const one = (x + scale(1)).toFixed(1)
    parts.push(`<line x1="${one}" x2="${one}" y1="${top - 4}" y2="${bottom - gap + 4}"/>`)
    workloads.forEach(({ name }, row) => {
      peers.forEach(({ server }, index) => {
        const ratio = ofPeers.find(
          (one) => one.server === server && one.workload === name && one.connections === count,
        )
        if (!ratio) return
        const y = top + row * group + index * bar
        const length = scale(ratio.perSecond)
        parts.push(
          `<rect class="${server}" x="${x}" y="${y}" width="${length.toFixed(1)}" height="${bar - 1}"/>`,
        )
        text(x + length + 4, y + bar - 2, ratio.perSecond.toFixed(2))
      })
    })
  })

  const colours = (of: 'light' | 'dark') => peers.map((peer) => `.${peer.server}{fill:${peer[of]}}`).join('')
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom}" width="${width}" height="${bottom}">`,
    `<style>text{font:11px system-ui,sans-serif;fill:#24292f;paint-order:stroke;stroke:#fff;stroke-width:3px}line{stroke:#24292f}.ground{fill:#fff}${colours('light')}`,
    `@media(prefers-color-scheme:dark){text{fill:#e6edf3;stroke:#0d1117}line{stroke:#e6edf3}.ground{fill:#0d1117}${colours('dark')}}</style>`,
    `<rect class="ground" width="${width}" height="${bottom}"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}
