/* The traces: compressed blocks in the page, opened when they are needed. */

const INDEX = JSON.parse(byId("index").textContent);
const BLOCKS = document.querySelectorAll("script.block");
const OPEN_CHARACTERS = 40_000_000;

/** Position of the first trace of each block, and of the end of the last. */
const BLOCK_STARTS = INDEX.blocks.reduce((starts, size) => [...starts, starts.at(-1) + size], [0]);
const POSITION_OF_ROW = new Map(INDEX.traces.map((entry, position) => [entry.row, position]));

const openBlocks = new Map();
let openCharacters = 0;

/** The traces of a block; the blocks that were read last stay open. */
function readBlock(number) {
  const sizes = INDEX.block_characters;
  const traces = openBlocks.get(number) ?? unpack(BLOCKS[number].textContent);
  if (!openBlocks.delete(number)) openCharacters += sizes[number];
  openBlocks.set(number, traces);
  for (const oldest of openBlocks.keys()) {
    if (openCharacters <= OPEN_CHARACTERS || oldest === number) break;
    openBlocks.delete(oldest);
    openCharacters -= sizes[oldest];
  }
  return traces;
}

async function unpack(base64) {
  const characters = atob(base64);
  const packed = new Uint8Array(characters.length);
  for (let i = 0; i < packed.length; i++) packed[i] = characters.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

/** The trace at a position of the index. */
async function readTrace(position) {
  const block = blockOf(position);
  return (await readBlock(block))[position - BLOCK_STARTS[block]];
}

function blockOf(position) {
  let [low, high] = [0, INDEX.blocks.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (BLOCK_STARTS[middle] <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}
