export { fileMemory } from './file-memory.ts'
