import { tokenBucket, type Limit } from '@headgate/core'
import { world, saturate, ORDINARY, HEAVY } from './support/world.ts'
async function accounts(n:number, ipLimit:number, seed:number, mins=10){
  const w = world([tokenBucket({ name:'uid', limit:5, windowMs:1000, by:['uid'] }), tokenBucket({name:'ip', limit: ipLimit, windowMs: 10_000, by:['ip']})], seed, ORDINARY, {coldStart:'full'})
  let over=false
  for(let i=0;i<n;i++) saturate({uid:String(i), ip:'a'}, 8, w.call, ()=>over)
  const t0=performance.now()
  await w.clock.advance(mins*60_000)
  over=true
  const acc=w.server.arrivals.filter(a=>a.accepted&&a.atMs<mins*60_000)
  const by=[...w.server.acceptedBy('uid').values()]
  const s=w.scheduler.snapshot().counters
  console.log(n,'acc', ipLimit, 'refused', w.server.refused, 'quota', (acc.length/(ipLimit*mins*6)*100).toFixed(2), 'min/max', Math.min(...by), Math.max(...by), 'judge/adm', (s.judgements/s.admitted).toFixed(2), (performance.now()-t0|0)+'ms')
}
for (const s of [1,2]) { await accounts(40,1000,s); await accounts(60,300,s) }
// two routes
{
 const w = world([tokenBucket({ name:'uid', limit:5, windowMs:1000, by:['uid'] })], 3, ORDINARY, {coldStart:'full'})
 let over=false
 saturate({uid:'1', exchange:'x', ip:'slow'}, 5, l=>w.call(l,{baseMs:95,medianMs:5,sigma:1}), ()=>over)
 saturate({uid:'1', exchange:'x', ip:'fast'}, 5, l=>w.call(l,{baseMs:3,medianMs:2,sigma:1}), ()=>over)
 await w.clock.advance(600_000); over=true
 console.log('routes refused', w.server.refused, w.server.accepted/3000)
}
async function shared(limits: Limit[], labelsOf:(i:number)=>Record<string,string>, n:number, mins:number, name:string, groupOf:(l:any)=>string = ()=>''){
  const w = world(limits, 5, ORDINARY, {coldStart:'full', maxQueued: 1e6})
  let over=false
  for(let i=0;i<n;i++) saturate(labelsOf(i), 2, w.call, ()=>over)
  const t0=performance.now()
  await w.clock.advance(mins*60_000)
  over=true
  const s=w.scheduler.snapshot().counters
  const by=w.server.acceptedBy('uid'); const m=new Map<string,[number,number]>()
  for(let i=0;i<n;i++){ const l=labelsOf(i); const g=groupOf(l); const c=by.get(l.uid!)??0; const e=m.get(g)??[Infinity,-Infinity]; m.set(g,[Math.min(e[0],c),Math.max(e[1],c)]) }
  console.log(name,'refused',w.server.refused,'accepted',w.server.accepted,'of',limits.map((l:any)=>`${l.name}:${l.limit*mins*60000/l.windowMs}`).join(' '),'j/a',(s.judgements/s.admitted).toFixed(2), JSON.stringify([...m]), (performance.now()-t0|0)+'ms')
}
const A=(n:number,w:number)=>tokenBucket({name:'A',limit:n,windowMs:w,by:['a']})
const B=(n:number,w:number)=>tokenBucket({name:'B',limit:n,windowMs:w,by:['b']})
const U=tokenBucket({name:'U',limit:5,windowMs:1000,by:['uid']})
await shared([A(500,10000),B(1000,60000)], i=>({uid:String(i),a:'1',b:'1'}), 6000, 10,'all both 500/10+1000/60')
await shared([A(1000,1000),B(1000,1000)], i=>({uid:String(i),a:'1',b:'1'}), 6000, 1,'all both equal 1000/s')
await shared([A(1000,1000),B(10000,10000)], i=>({uid:String(i),a:'1',b:'1'}), 6000, 1,'all both 1000/s,10000/10s')
const third=(i:number)=>({uid:String(i),...(i%3!==1&&{a:'1'}),...(i%3!==0&&{b:'1'})}) as any
const g3=(l:any)=>(l.a?'A':'')+(l.b?'B':'')
await shared([A(1000,1000),B(1000,1000)], third, 6000, 1,'A / B / both', g3)
await shared([A(1000,1000),B(1000,1000),U], third, 6000, 1,'A / B / both +U', g3)
await shared([A(10,1000),B(10,1000)], third, 60, 2,'small A / B / both', g3)
await shared([A(100,1000),B(30,1000)], i=>({uid:String(i),a:'1',...(i%2&&{b:'1'})}) as any, 600, 2,'A all, B half', g3)
// BingX like: group + endpoint
{ const E=tokenBucket({name:'E',limit:300,windowMs:10000,by:['ip','ep']}), G=tokenBucket({name:'G',limit:1000,windowMs:10000,by:['ip']}), UE=tokenBucket({name:'UE',limit:5,windowMs:1000,by:['uid','ep']})
await shared([E,G,UE], i=>({uid:String(i%1000),ip:'x',ep:String(Math.floor(i/1000))}), 6000, 2,'6 endpoints x 1000 uids') }
