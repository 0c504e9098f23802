/** A machine's memory as its maker may provide it. */
export { freshMemory, type MakeMemory, type SharedMemory } from './translator/webassembly';
