import type { Job } from './job.ts'
import { peerOf } from './peers/index.ts'
import { rows } from './rows/index.ts'

// One measurement in a process of its own: what another limiter has left in the heap and in the compiler is not there.
const { row: name, of, peer, quick } = JSON.parse(process.argv[2] as string) as Job
const row = rows.find(each => each.name === name)
const found = row?.cases(quick).find(each => each.name === of)
if (row === undefined || found === undefined) throw new Error(`no such job: ${process.argv[2]}`)
const figures = await row.measure(peerOf(peer), found)
// Not by exit alone: what is in the pipe must be out first.
process.send?.(figures, () => process.exit(0))
