// generate.c: deterministic packet capture generator for a gateway host.
//   cc -O2 -o generate generate.c -lm
//   ./generate web   <bytes> <out.pcap> [seed]     keepalive web traffic, heavy-tailed responses
//   ./generate small <bytes> <out.pcap> [seed]     connection churn, tiny requests/responses
// Writes <out.pcap> (classic pcap, usec, Ethernet) and <out.pcap>.truth (counts of what was put in, and in its last line
// of what the file shows to its end).
// Topology: clients 10.64.0.0/10 -> gateway 10.0.1.10:80 ; gateway 10.0.1.10 -> upstreams 10.0.2.1..8:8080
// Event driven: a heap of packets + actions, packets are written in time order.
#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>
#include <string.h>
#include <math.h>
#include <stdarg.h>
#include <arpa/inet.h>

typedef uint64_t u64; typedef uint32_t u32; typedef uint16_t u16; typedef uint8_t u8;

// ---------- rng (xoshiro256**) ----------
static u64 S[4];
static inline u64 rotl(u64 x,int k){return (x<<k)|(x>>(64-k));}
static inline u64 rnd(void){u64 r=rotl(S[1]*5,7)*9,t=S[1]<<17;S[2]^=S[0];S[3]^=S[1];S[1]^=S[2];S[0]^=S[3];S[2]^=t;S[3]=rotl(S[3],45);return r;}
static void seedrng(u64 x){for(int i=0;i<4;i++){x+=0x9e3779b97f4a7c15ULL;u64 z=x;z=(z^(z>>30))*0xbf58476d1ce4e5b9ULL;z=(z^(z>>27))*0x94d049bb133111ebULL;S[i]=z^(z>>31);}}
static inline double uni(void){return (rnd()>>11)*(1.0/9007199254740992.0);}
static inline int chance(double p){return uni()<p;}
static inline u64 irange(u64 a,u64 b){return a+rnd()%(b-a+1);}
static double gauss(void){double u=uni(),v=uni();if(u<1e-12)u=1e-12;return sqrt(-2*log(u))*cos(6.283185307179586*v);}
static double expo(double mean){double u=uni();if(u<1e-12)u=1e-12;return -log(u)*mean;}
static double logn(double median,double sigma){return median*exp(sigma*gauss());}

// ---------- message buffers (refcounted) ----------
typedef struct Msg { u32 len, cap; int refs; u8 *p; } Msg;
static Msg *mnew(u32 cap){Msg*m=malloc(sizeof*m);m->len=0;m->cap=cap;m->refs=1;m->p=malloc(cap);return m;}
static void mput(Msg*m){ if(m && --m->refs==0){free(m->p);free(m);} }
static void mneed(Msg*m,u32 n){ if(m->len+n>m->cap){ m->cap=(m->len+n)*3/2+64; m->p=realloc(m->p,m->cap);} }
static void mf(Msg*m,const char*f,...){ char b[4096]; va_list a; va_start(a,f); int n=vsnprintf(b,sizeof b,f,a); va_end(a); mneed(m,n); memcpy(m->p+m->len,b,n); m->len+=n; }
static void mcat(Msg*m,const void*d,u32 n){ mneed(m,n); memcpy(m->p+m->len,d,n); m->len+=n; }

// ---------- connections ----------
enum {FIN=1,SYN=2,RST=4,PSH=8,ACK=16};
typedef struct Conn {
  u32 ip[2]; u16 port[2]; u8 mac[2][6];   // [0]=initiator [1]=responder
  u32 seq[2];      // next seq to send of each side
  u32 acked[2];    // value each side currently acknowledges (= peer's seq received)
  u32 tsbase[2]; u16 ipid[2];
  double rtt; int up; int live; int gw; // gw = side index which is the gateway
  int left; // requests left (client conns)
  u64 reqs;
  int upstream; int wait;
} Conn;

typedef struct Ev { u64 t; u64 ser; void (*fn)(void*,u64); void*arg; // action when fn!=0
  Conn*c; Msg*m; u32 off; u32 seq,ack; u16 len; u8 dir, flags; } Ev;

static Ev **H; static u32 hn,hcap; static u64 serial;
static Ev *freelist;
static Ev* evalloc(void){ if(freelist){Ev*e=freelist;freelist=(Ev*)e->arg;return e;} return malloc(sizeof(Ev)); }
static void evfree(Ev*e){ e->arg=freelist; freelist=e; }
static inline int lt(Ev*a,Ev*b){return a->t<b->t||(a->t==b->t&&a->ser<b->ser);}
static void hpush(Ev*e){ if(hn==hcap){hcap=hcap?hcap*2:65536;H=realloc(H,hcap*sizeof*H);} e->ser=serial++; u32 i=hn++; while(i){u32 p=(i-1)/2; if(!lt(e,H[p]))break; H[i]=H[p]; i=p;} H[i]=e; }
static Ev* hpop(void){ Ev*r=H[0],*e=H[--hn]; u32 i=0; for(;;){u32 k=2*i+1; if(k>=hn)break; if(k+1<hn&&lt(H[k+1],H[k]))k++; if(!lt(H[k],e))break; H[i]=H[k]; i=k;} H[i]=e; return r; }
static void act(u64 t,void(*fn)(void*,u64),void*arg){Ev*e=evalloc();memset(e,0,sizeof*e);e->t=t;e->fn=fn;e->arg=arg;hpush(e);}
static u64 first_payload; // the earliest time of a segment with payload since it was reset
static void pk(u64 t,Conn*c,int dir,int flags,u32 seq,u32 ack,Msg*m,u32 off,u32 len){ if(len&&t<first_payload)first_payload=t;
  Ev*e=evalloc(); memset(e,0,sizeof*e); e->t=t;e->c=c;e->dir=dir;e->flags=flags;e->seq=seq;e->ack=ack;e->m=m;e->off=off;e->len=len; if(m)m->refs++; c->live++; hpush(e); }

// ---------- output ----------
static FILE*out; static u64 target,written,npk,nconn,tcp_pl;
static u64 c502,cretx,cooo,crst,creq,cdupack,crefused,crstreq,cfinreq,cpartial,cgarbage,cpass,ctrunc,ctimeo,cabort,cup,ccl;
static u64 firstT,lastT;
// Of each fault, how many the file shows up to what the client got: it ends while some are under way.
enum {REQ,REFUSED,RSTREQ,FINREQ,PARTIAL,BANNER,OWN502,TRUNC,UNANSWERED,ABORT,KINDS}; static u64 shown[KINDS];
static void show(void*a,u64 t){ (void)t; shown[(uintptr_t)a]++; }
static void mark(u64 t,int kind){ act(t,show,(void*)(uintptr_t)kind); }
#define MSS 1448
static u32 csum_add(const u8*p,u32 n,u32 s){ u64 a=s; while(n>=8){u64 v;memcpy(&v,p,8);a+=(v&0xffffffff)+(v>>32);p+=8;n-=8;} while(n>=2){u16 v;memcpy(&v,p,2);a+=v;p+=2;n-=2;} if(n){a+=*p;} while(a>>16)a=(a&0xffff)+(a>>16); return (u32)a; }
static void emit(Ev*e){
  static u8 b[16+1600]; Conn*c=e->c; int d=e->dir; u8*h=b+16;
  int syn=e->flags&SYN; u32 optl= (e->flags&RST)&&e->len==0&&e->seq==0 ? 0 : (e->flags&RST)&&!(e->flags&ACK) ? 0 : (syn?20:12); u32 thl=20+optl; u32 ipl=20+thl+e->len; u32 fl=14+ipl;
  memcpy(h,c->mac[!d],6); memcpy(h+6,c->mac[d],6); h[12]=8;h[13]=0;
  u8*ip=h+14; ip[0]=0x45;ip[1]=0; *(u16*)(ip+2)=htons(ipl); *(u16*)(ip+4)=htons(c->ipid[d]++); *(u16*)(ip+6)=htons(0x4000);
  ip[8]= d==c->gw?64:(c->up?63:52); ip[9]=6; *(u16*)(ip+10)=0; *(u32*)(ip+12)=htonl(c->ip[d]); *(u32*)(ip+16)=htonl(c->ip[!d]);
  *(u16*)(ip+10)=~csum_add(ip,20,0);
  u8*t=ip+20; *(u16*)t=htons(c->port[d]); *(u16*)(t+2)=htons(c->port[!d]); *(u32*)(t+4)=htonl(e->seq); *(u32*)(t+8)=htonl(e->flags&ACK?e->ack:0);
  t[12]=(thl/4)<<4; t[13]=e->flags; *(u16*)(t+14)=htons(syn?64240:(e->flags&RST?0:2049)); *(u32*)(t+16)=0;
  u8*o=t+20; u32 tv=c->tsbase[d]+(u32)(e->t/1000000), te=(e->flags&ACK)?c->tsbase[!d]+(u32)((e->t>200000?e->t-200000:0)/1000000):0;
  if(syn){ o[0]=2;o[1]=4;*(u16*)(o+2)=htons(1460);o[4]=4;o[5]=2;o[6]=8;o[7]=10;*(u32*)(o+8)=htonl(tv);*(u32*)(o+12)=htonl(te);o[16]=1;o[17]=3;o[18]=3;o[19]=7; }
  else if(optl){ o[0]=1;o[1]=1;o[2]=8;o[3]=10;*(u32*)(o+4)=htonl(tv);*(u32*)(o+8)=htonl(te); }
  if(e->len) memcpy(t+thl,e->m->p+e->off,e->len);
  u32 s=csum_add(t,thl+e->len,0); u8 ph[12]; memcpy(ph,ip+12,8); ph[8]=0;ph[9]=6;*(u16*)(ph+10)=htons(thl+e->len); s=csum_add(ph,12,s); *(u16*)(t+16)=~s;
  u64 t0=1760000000000000000ULL+e->t; u32*r=(u32*)b; r[0]=t0/1000000000; r[1]=(t0%1000000000)/1000; r[2]=fl; r[3]=fl;
  fwrite(b,16+fl,1,out); written+=16+fl; npk++; tcp_pl+=e->len; if(!firstT)firstT=e->t; lastT=e->t; if(e->flags&RST)crst++;
}

// ---------- text ----------
static u8 *BODY; static u32 BODYN=8<<20; static u8*JREC; static u8*BIN; static u32 BINN=4<<20;
static void mkbody(void){ static const char*w[]={"\"id\":","\"name\":","\"price\":","\"description\":","\"status\":\"active\",","<div class=\"item\">","</div>\n","the ","quick ","order ","customer ","{","},","[","],","function(){return ","null","true","1024","span","https://cdn.example.com/a/b/c.js","\"updatedAt\":\"2025-10-09T08:53:20Z\","};
  BODY=malloc(BODYN+64); u32 i=0; while(i<BODYN){ { const char*s=w[rnd()%(sizeof w/sizeof*w)]; u32 n=strlen(s); if(i+n>BODYN)n=BODYN-i; memcpy(BODY+i,s,n); i+=n; } }
  BIN=malloc(BINN); for(u32 k=0;k<BINN;k+=8){u64 v=rnd();memcpy(BIN+k,&v,8);} JREC=malloc(4096*128);
  for(int k=0;k<4096;k++){ char b[256]; int L=snprintf(b,sizeof b,"{\"id\":%u,\"sku\":\"%08x\",\"price\":%u.%02u,\"qty\":%u,\"name\":\"",(u32)(rnd()&0xffffff),(u32)rnd(),(u32)(rnd()%1000),(u32)(rnd()%100),(u32)(rnd()%50)); while(L<125)b[L++]='a'+rnd()%26; b[125]='"';b[126]='}';b[127]=','; memcpy(JREC+k*128,b,128);} }
static const char*UA[]={"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36","Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15","Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1","okhttp/4.12.0"};
static const char*PATHS[]={"/","/api/v1/orders","/api/v1/users/%llu/profile","/assets/app.%llx.js","/search?q=%llx&page=2","/images/%llx.jpg","/api/v2/cart/%llu/items","/checkout/%llu"};
static const char*CT[]={"application/json","text/html; charset=utf-8","application/javascript","application/octet-stream"};
// JREC: 4096 JSON records of 128 bytes each "{...},"
// valid JSON array of exactly n bytes (n>=4) appended to m
static void mjson(Msg*m,u64 id,u32 n){ mneed(m,n); u8*p=m->p+m->len; u32 i=0; p[i++]='['; u32 r=id*31%4096; while(n-i>128+4){ memcpy(p+i,JREC+(r++&4095)*128,128); i+=128; } p[i++]='"'; while(i<n-2)p[i++]='x'; p[i++]='"'; p[i++]=']'; m->len+=n; }

static void mbody(Msg*m,u64 id,u32 n){ int k=id&3; if(k==0){mjson(m,id,n);return;} if(k==3) mcat(m,BIN+(id*104729)%(BINN-(2200<<10)),n); else mcat(m,BODY+(id*104729)%(BODYN-(2200<<10)),n); }

static int small; // mode
#define MS 1000000ULL
#define US 1000ULL
static const u32 GW=0x0A00010A; // 10.0.1.10
static u8 MG[6]={2,0,10,0,1,10};

static u16 upport[8];
static Conn* mkconn(int up,int upstream){
  Conn*c=calloc(1,sizeof*c); nconn++; c->up=up; c->upstream=upstream;
  if(up){ c->ip[0]=GW; if(!upport[upstream])upport[upstream]=10240+upstream*3; c->port[0]=upport[upstream]++; if(upport[upstream]>65000)upport[upstream]=10240; c->ip[1]=0x0A000200+1+upstream; c->port[1]=8080; memcpy(c->mac[0],MG,6); u8 m[6]={2,0,10,0,2,(u8)(1+upstream)}; memcpy(c->mac[1],m,6); c->gw=0; c->rtt=0.0002e9*(0.8+0.4*uni()); cup++; }
  else { c->ip[0]=0x0A400000|(rnd()&0x3fffff); c->port[0]=irange(1025,65535); c->ip[1]=GW; c->port[1]=80; u8 m[6]={2,0,10,0,1,1}; memcpy(c->mac[0],m,6); memcpy(c->mac[1],MG,6); c->gw=1; c->rtt=logn(25e6,0.6); if(c->rtt<1e6)c->rtt=1e6; if(c->rtt>300e6)c->rtt=300e6; ccl++; }
  for(int i=0;i<2;i++){ c->seq[i]=rnd(); c->tsbase[i]=rnd(); c->ipid[i]=rnd(); }
  c->acked[0]=c->seq[1]; c->acked[1]=c->seq[0];
  return c; }
static void reap(void*a,u64 t){ Conn*c=a; if(c->live>0){act(t+1000*MS,reap,c);return;} free(c); }
// handshake as seen at the gateway. returns time connection is usable by initiator (packet time of the third ACK)
static u64 handshake(Conn*c,u64 t){
  u64 rtt=c->rtt; u64 t1= t, t2,t3; if(c->up){t2=t1+rtt;t3=t2+8*US;} else {t2=t1+12*US;t3=t2+rtt;}
  pk(t1,c,0,SYN,c->seq[0]++,0,0,0,0); c->acked[1]=c->seq[0];
  pk(t2,c,1,SYN|ACK,c->seq[1]++,c->seq[0],0,0,0); c->acked[0]=c->seq[1];
  pk(t3,c,0,ACK,c->seq[0],c->seq[1],0,0,0); return t3; }
// orderly close started by side d at time t
static u64 closeconn(Conn*c,int d,u64 t){
  u64 lag= d==c->gw? (u64)c->rtt:20*US;  u64 t2=t+lag, t3=t2+((!d)==c->gw?(u64)c->rtt:20*US);
  pk(t,c,d,FIN|ACK,c->seq[d]++,c->seq[!d],0,0,0);
  if(chance(0.02)&&!small){ pk(t2,c,!d,RST|ACK,c->seq[!d],c->seq[d],0,0,0); act(t3+MS,reap,c); return t2; }
  pk(t2,c,!d,FIN|ACK,c->seq[!d]++,c->seq[d],0,0,0);
  pk(t3,c,d,ACK,c->seq[d],c->seq[!d],0,0,0); act(t3+MS,reap,c); return t3; }

static double LOSS=0.005;
// Send bytes [0,n) of m from side d, first byte seen at gateway at t. Slow start rounds for gateway-sent data.
// ready: optional per-byte availability given as arrays of (upto, time) (relay). Returns time last byte is seen; *tack time of last ack.
typedef struct { u32 upto; u64 t; } Av;
static u64 senddata(Conn*c,int d,Msg*m,u32 n,u64 t,Av*av,u32 nav,Av**outav,u32*noutav,u64*tack){
  u32 nseg=(n+MSS-1)/MSS; u32 base=c->seq[d]; u32 peerseq=c->seq[!d];
  Av*oa= outav?malloc(sizeof(Av)*nseg):0; u32 k=0; u64 last=t; u64 ta=t; u32 cwnd=10, inround=0; u64 roundt=t; u32 ai=0;
  int gwsends = d==c->gw; u64 rtt=c->rtt; u64 prev=0; u32 unacked=0; int hole=0; u32 holeseq=0; u64 holet=0; u32 holeoff=0,holelen=0;
  for(u32 i=0;i<nseg;i++){
    u32 off=i*MSS,len=n-off>MSS?MSS:n-off;
    if(inround==cwnd){ inround=0; roundt= (roundt+rtt>last)?roundt+rtt:last; if(cwnd<120)cwnd*=2; if(cwnd>120)cwnd=120; }
    u64 st= roundt + (u64)inround* (gwsends?2*US:(c->up?6*US:40*US)); inround++;
    while(ai<nav && av[ai].upto<off+len) ai++;
    if(nav && ai<nav && st<av[ai].t+25*US) st=av[ai].t+25*US;
    if(st<=prev){ st=prev+1*US; }
    prev=st;
    int fl=ACK|((i==nseg-1||(i%8)==7)?PSH:0);
    int lost=chance(LOSS);
    if(lost && gwsends){ // seen here, lost later, retransmitted
      pk(st,c,d,fl,base+off,peerseq,m,off,len); u64 rt=st+(i+3<nseg?rtt+2*MS:(u64)(200*MS+rtt)); pk(rt,c,d,fl,base+off,peerseq,m,off,len); cretx++;
      pk(rt+rtt,c,!d,ACK,peerseq,base+off+len,0,0,0); if(rt+rtt>ta)ta=rt+rtt; if(rt>last)last=rt; roundt=rt; inround=0; // stall a little
      prev=rt; unacked=0;
    } else if(lost && !hole){ // lost before us: arrives late
      hole=1; holeseq=base+off; holeoff=off; holelen=len; holet=st+rtt+(i+3<nseg?300*US:200*MS); cooo++;
      if(i==nseg-1){ pk(holet,c,d,fl,holeseq,peerseq,m,holeoff,holelen); pk(holet+5*US,c,!d,ACK,peerseq,base+off+len,0,0,0); ta=holet+5*US; last=holet; hole=0; prev=holet; }
    } else {
      if(hole && st>=holet){ pk(holet,c,d,ACK,holeseq,peerseq,m,holeoff,holelen); pk(holet+5*US,c,!d,ACK,peerseq,base+off,0,0,0); hole=0; unacked=0; if(holet>last)last=holet; }
      pk(st,c,d,fl,base+off,peerseq,m,off,len); if(st>last)last=st;
      if(hole){ pk(st+4*US,c,!d,ACK,peerseq,holeseq,0,0,0); cdupack++; }
      else if(++unacked==2||i==nseg-1){ unacked=0; u64 at=st+(gwsends?rtt:5*US); if(!(small&&i==nseg-1)){ if(at<ta)at=ta; pk(at,c,!d,ACK,peerseq,base+off+len,0,0,0); ta=at; } }
      if(hole && i==nseg-1){ u64 x=holet>st?holet:st+10*US; pk(x,c,d,ACK,holeseq,peerseq,m,holeoff,holelen); pk(x+5*US,c,!d,ACK,peerseq,base+n,0,0,0); hole=0; ta=x+5*US; last=x; prev=x; }
    }
    if(oa){oa[k].upto=off+len; oa[k].t=last; k++;}
  }
  c->seq[d]+=n; if(outav){*outav=oa;*noutav=k;} if(tack)*tack=ta>last?ta:last; return last; }

// ---------- upstream pools ----------
#define POOLMAX 4096
static Conn* pool[8][POOLMAX]; static int pooln[8];
static void idle_put(void*a,u64 t){ Conn*c=a; if(c->reqs>=1000|| pooln[c->upstream]>=256){ closeconn(c,0,t); return; } pool[c->upstream][pooln[c->upstream]++]=c; }

static void start_txn(void*a,u64 t);
static double reqrate=1500; static u64 txid;
static int stop(void){ return written>=target; }

static Msg* mkreq(int forup,u64 id,int post,u32 blen,const char*path,const char*ua,u32 cip){
  Msg*m=mnew(1024+blen); mf(m,"%s %s HTTP/1.1\r\nHost: www.example.com\r\n",post?"POST":"GET",path);
  if(small){ mf(m,"User-Agent: okhttp/4\r\nAccept: */*\r\n%s\r\n",forup?"Connection: close\r\n":""); return m; }
  if(forup) mf(m,"X-Forwarded-For: %u.%u.%u.%u\r\nX-Forwarded-Proto: http\r\nX-Request-ID: %016llx%016llx\r\n",cip>>24,(cip>>16)&255,(cip>>8)&255,cip&255,(unsigned long long)(id*0x9e3779b97f4a7c15ULL),(unsigned long long)id);
  else mf(m,"Connection: keep-alive\r\n");
  mf(m,"User-Agent: %s\r\nAccept: text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.5\r\nCookie: sid=%016llx; _ga=GA1.2.%llu.%llu; theme=dark\r\nReferer: https://www.example.com/home\r\n",ua,(unsigned long long)(id*7919+13),(unsigned long long)(id%1000000007),(unsigned long long)(id*31%1000000007));
  if(post) mf(m,"Content-Type: application/json\r\nContent-Length: %u\r\n",blen);
  mf(m,"\r\n"); if(post) mjson(m,id,blen); return m; }
static Msg* mkresp(int toclient,u64 id,int status,const char*reason,u32 blen,int chunked,u32*hdrlen){
  Msg*m=mnew(blen+blen/64+1024); mf(m,"HTTP/1.1 %d %s\r\nServer: %s\r\nDate: Thu, 09 Oct 2025 08:53:20 GMT\r\n",status,reason,toclient?"nginx/1.26.1":"gunicorn");
  if(!small) mf(m,"Content-Type: %s\r\nCache-Control: private, max-age=0\r\nETag: W/\"%llx\"\r\nX-Powered-By: app\r\nVary: Accept-Encoding\r\n",CT[id&3],(unsigned long long)(id*2654435761u));
  if(toclient) mf(m,"Connection: keep-alive\r\n"); else if(small) mf(m,"Connection: close\r\n");
  if(chunked) mf(m,"Transfer-Encoding: chunked\r\n\r\n"); else mf(m,"Content-Length: %u\r\n\r\n",blen);
  *hdrlen=m->len;
  if(chunked){ Msg*b=mnew(blen+8); mbody(b,id,blen); u32 o=0; while(o<blen){u32 n=blen-o>8192?8192:blen-o; mf(m,"%x\r\n",n); mcat(m,b->p+o,n); mcat(m,"\r\n",2); o+=n;} mcat(m,"0\r\n\r\n",5); mput(b);} else mbody(m,id,blen);
  return m; }
static Msg* mk502(int code){ Msg*m=mnew(512); const char*b="<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.26.1</center>\r\n</body>\r\n</html>\r\n";
  mf(m,"HTTP/1.1 %s\r\nServer: nginx/1.26.1\r\nDate: Thu, 09 Oct 2025 08:53:20 GMT\r\nContent-Type: text/html\r\nContent-Length: %u\r\nConnection: keep-alive\r\n\r\n%s",code==502?"502 Bad Gateway":"504 Gateway Time-out",(u32)strlen(b),b); return m; }

static void client_next(Conn*c,u64 t){ // after a response
  if(--c->left>0 && !stop()){ act(t+(u64)(small?1*MS:expo(300e6)),start_txn,c); }
  else closeconn(c, chance(0.7)?0:1, t+(u64)(small?(u64)(2*MS*uni()):expo(200e6))); }
static void err_to_client(Conn*cl,u64 t,int code,int kind){ mark(t,kind); Msg*m=mk502(code); u64 ta; senddata(cl,1,m,m->len,t,0,0,0,0,&ta); mput(m); if(code==502)c502++; client_next(cl,ta); }

static void start_txn(void*a,u64 t){
  Conn*cl=a; u64 id=++txid; creq++;
  int post=!small&&chance(0.15); u32 blen=post?(u32)fmin(20+logn(600,0.8),20000):0; char path[256]; snprintf(path,sizeof path,PATHS[rnd()%8],(unsigned long long)(rnd()&0xffffffffff)); const char*ua=UA[rnd()&3];
  Msg*rq=mkreq(0,id,post,blen,path,ua,cl->ip[0]); u64 ta; first_payload=~0ULL; u64 tr=senddata(cl,0,rq,rq->len,t,0,0,0,0,&ta); mput(rq); mark(first_payload,REQ);
  // choose upstream
  int us=rnd()&7; Conn*u=0; u64 tu=tr+(u64)(40*US+30*US*uni());
  double f=uni(); double FP=0.006;
  int fail = f<FP ? 1+(int)(rnd()%8) : 0; // 1 refused 2 rst after request 3 fin after request 4 timeout 5 partial hdr 6 garbage 7 upstream's own 502 8 truncated
  if(small && (fail==4||fail==8)) fail=1;
  if(fail==1){ u=mkconn(1,us); pk(tu,u,0,SYN,u->seq[0]++,0,0,0,0); pk(tu+u->rtt,u,1,RST|ACK,0,u->seq[0],0,0,0); act(tu+u->rtt+MS,reap,u); crefused++; err_to_client(cl,tu+u->rtt+60*US,502,REFUSED); return; }
  if(fail==4){ u=mkconn(1,us); u64 x=tu; for(int k=0;k<3;k++){ pk(x,u,0,SYN,u->seq[0],0,0,0,0); x+=(1000ULL<<k)*MS; } act(x+MS,reap,u); ctimeo++; err_to_client(cl,tu+5000*MS,504,UNANSWERED); return; }
  if(!small && pooln[us]>0){ u=pool[us][--pooln[us]]; }
  if(!u){ u=mkconn(1,us); tu=handshake(u,tu)+10*US; }
  u->reqs++;
  Msg*ur=mkreq(1,id,post,blen,path,ua,cl->ip[0]); u64 tua; u64 tus=senddata(u,0,ur,ur->len,tu,0,0,0,0,&tua); mput(ur);
  if(fail==2){ u64 x=tus+u->rtt+15*MS; pk(tus+u->rtt,u,1,ACK,u->seq[1],u->seq[0],0,0,0); pk(x,u,1,RST|ACK,u->seq[1],u->seq[0],0,0,0); act(x+MS,reap,u); crstreq++; err_to_client(cl,x+60*US,502,RSTREQ); return; }
  if(fail==3){ u64 x=tus+u->rtt+30*US; closeconn(u,1,x); cfinreq++; err_to_client(cl,x+60*US,502,FINREQ); return; }
  u64 svc=(u64)(small?logn(2e6,0.7):logn(12e6,1.0)); u64 t0=tua+svc; 
  if(fail==5||fail==6||fail==7){ Msg*m=mnew(512); if(fail==5)mf(m,"HTTP/1.1 200 OK\r\nServer: gunicorn\r\nContent-Ty"); else if(fail==6)mf(m,"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"); else mf(m,"HTTP/1.1 502 Bad Gateway\r\nServer: gunicorn\r\nContent-Length: 11\r\nConnection: close\r\n\r\nBad Gateway");
    u64 ta2; senddata(u,1,m,m->len,t0,0,0,0,0,&ta2); mput(m); if(fail==5)cpartial++; else if(fail==6)cgarbage++; else cpass++; closeconn(u,fail==6?0:1,ta2+20*US); err_to_client(cl,ta2+80*US,502,fail==5?PARTIAL:fail==6?BANNER:OWN502); return; }
  // normal (or truncated)
  u32 bl; int chunked=0; 
  if(small) bl=(u32)irange(20,170); else { bl= chance(0.0012)?(1<<20):(u32)fmin(logn(4096,1.5),2.0*(1<<20)); if(bl<20)bl=20; chunked=chance(0.3); }
  if(fail==8){ chunked=0; if(bl<20000)bl+=20000; }
  u32 hl,chl; Msg*rs=mkresp(0,id,200,"OK",bl,chunked,&hl); u32 sendn=rs->len; if(fail==8){sendn=hl+(bl/2);ctrunc++;}
  Av*av;u32 nav;u64 ta3; u64 tl=senddata(u,1,rs,sendn,t0,0,0,&av,&nav,&ta3); 
  Msg*cr=mkresp(1,id,200,"OK",bl,chunked,&chl); 
  for(u32 i=0;i<nav;i++) av[i].upto+= (chl>hl?chl-hl:0)+2; // crude header size shift
  u32 csend= fail==8? chl+bl/2 : cr->len; u64 ta4; 
  int abort_=!small&&chance(0.003)&&csend>30000; if(abort_){csend=csend/3;}
  senddata(cl,1,cr,csend,t0+30*US,av,nav,0,0,&ta4); free(av); mput(rs); mput(cr);
  if(fail==8){ closeconn(u,1,tl+10*US); closeconn(cl,1,ta4+20*US); mark(ta4+20*US,TRUNC); return; }
  if(small){ closeconn(u,1,tl+10*US);} else if(chance(0.01)) closeconn(u,1,(ta3>tl?ta3:tl)+5*US); else act((ta3>tl?ta3:tl)+10*US,idle_put,u);
  if(abort_){ cabort++; mark(ta4+5*US,ABORT); pk(ta4+5*US,cl,0,RST|ACK,cl->seq[0],cl->seq[1],0,0,0); act(ta4+MS*10,reap,cl); return; }
  client_next(cl,ta4);
}
static void arrive(void*a,u64 t){ (void)a;
  if(!stop()){ act(t+1+(u64)expo(1e9/reqrate),arrive,0); Conn*c=mkconn(0,0); c->left= small?1:1+(int)expo(8); u64 h=handshake(c,t); act(h+(small?20*US:100*US),start_txn,c); } }

int main(int argc,char**argv){
  if(argc<4){fprintf(stderr,"gen web|small bytes out [seed]\n");return 2;}
  small=!strcmp(argv[1],"small"); target=strtoull(argv[2],0,0); seedrng(argc>4?strtoull(argv[4],0,0):42);
  out=fopen(argv[3],"wb"); static char vb[1<<22]; setvbuf(out,vb,_IOFBF,sizeof vb);
  u32 gh[6]={0xa1b2c3d4,0x00040002,0,0,262144,1}; fwrite(gh,24,1,out); written=24;
  mkbody(); reqrate= small?10000:230; /* new client connections/s */
  act(1,arrive,0);
  while(hn){ Ev*e=hpop(); if(e->fn){ void(*f)(void*,u64)=e->fn; void*ar=e->arg; u64 t=e->t; evfree(e); f(ar,t); } else { emit(e); e->c->live--; mput(e->m); evfree(e);} 
    if(written>target+ (target>>5)) break; }
  while(hn&&H[0]->fn==show&&H[0]->t<=lastT){ Ev*e=hpop(); show(e->arg,e->t); evfree(e); } // of the last packet
  fclose(out); char tn[1024]; snprintf(tn,sizeof tn,"%s.truth",argv[3]); FILE*f=fopen(tn,"w");
  fprintf(f,"bytes %llu\npackets %llu\nmean_frame %.1f\nduration_s %.3f\ntcp_payload %llu\nconnections %llu client %llu upstream %llu\nrequests %llu\nretransmissions_gw %llu\nlost_before_gw(out_of_order) %llu\ndupacks %llu\nrst_packets %llu\n502_to_client %llu\n refused %llu rst_15ms_after_request %llu fin_after_request %llu partial_header %llu ssh_banner %llu upstream_own_502 %llu truncated_body(no 502) %llu syn_unanswered_on_live_port(504) %llu client_abort %llu\n",
   (unsigned long long)written,(unsigned long long)npk,(double)(written-24)/npk-16,(lastT-firstT)/1e9,(unsigned long long)tcp_pl,(unsigned long long)nconn,(unsigned long long)ccl,(unsigned long long)cup,(unsigned long long)creq,(unsigned long long)cretx,(unsigned long long)cooo,(unsigned long long)cdupack,(unsigned long long)crst,(unsigned long long)c502,(unsigned long long)crefused,(unsigned long long)crstreq,(unsigned long long)cfinreq,(unsigned long long)cpartial,(unsigned long long)cgarbage,(unsigned long long)cpass,(unsigned long long)ctrunc,(unsigned long long)ctimeo,(unsigned long long)cabort);
  static const char*names[KINDS]={"requests","refused","rst_15ms_after_request","fin_after_request","partial_header","ssh_banner","upstream_own_502","truncated_body","syn_unanswered_on_live_port","client_abort"};
  fprintf(f,"shown"); for(int i=0;i<KINDS;i++) fprintf(f," %s %llu",names[i],(unsigned long long)shown[i]);
  fprintf(f,"\n"); fclose(f); return 0; }
