/** A VCF of `count` records on two chromosomes, with all that makes its lines differ in length. */
export function makeVcf(count: number, newline = '\n', ends = true): string {
  const lines = [
    '##fileformat=VCFv4.3=x',
    '##source=a=b',
    '##contig=<ID=chr1,length=248956422>',
    '##contig=<ID=chr2,length=242193529,assembly="b,37 \\"x\\"">',
    '##INFO=<ID=END,Number=1,Type=Integer,Description="End, of \\"it\\" <all>">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts#1\té',
  ]
  for (let i = 0; i < count; i++) {
    const chromosome = i * 2 < count ? 'chr1' : 'chr2'
    const reference = 'ACGTACGTAC'.slice(0, 1 + ((i * 7) % 9))
    const info = i % 11 === 0 ? `END=${500 + i * 300}` : `DP=${i};NOTE=${'日'.repeat((i * 5) % 23)}`
    lines.push(
      `${chromosome}\t${i * 100 + 1}\trs${i}\t${reference}\tG,<DEL>\t${i}.5\tPASS\t${info}\tGT\t0/1\t1|1`,
    )
  }
  return lines.join(newline) + (ends ? newline : '')
}

/** The header of a VCF with its line ends, and the rest. */
export function splitVcf(text: string): { readonly header: string; readonly body: string } {
  const end = text.indexOf('\n', text.indexOf('#CHROM')) + 1 || text.length
  return { header: text.slice(0, end), body: text.slice(end) }
}
