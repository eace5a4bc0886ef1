import { availableParallelism, cpus } from 'node:os'

/** What figures hang on. Nothing that tells whose machine it is. */
export function machine(): string {
  const model = cpus()[0]?.model ?? 'unknown CPU'
  return `${model}, ${availableParallelism()} cores, Node ${process.version}, ${process.platform} ${process.arch}`
}
