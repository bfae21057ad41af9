/**
 * How far two samples are from being of one kind, by the rank sum of Wilcoxon, Mann and Whitney: a number of
 * standard deviations, which for samples of one kind is beyond 5 once in some two million times.
 */
export function rankSumDeviation(first: readonly number[], second: readonly number[]): number {
  const all = [
    ...first.map((value) => ({ value, isFirst: true })),
    ...second.map((value) => ({ value, isFirst: false })),
  ]
  all.sort((a, b) => a.value - b.value)
  const sum = all.reduce((total, { isFirst }, index) => total + (isFirst ? index + 1 : 0), 0)
  const [n, m] = [first.length, second.length]
  const mean = (n * (n + m + 1)) / 2
  return (sum - mean) / Math.sqrt((n * m * (n + m + 1)) / 12)
}
