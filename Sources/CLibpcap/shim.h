#ifndef GWSNIFF_CLIBPCAP_H
#define GWSNIFF_CLIBPCAP_H
#include <pcap/pcap.h>

#ifdef __linux__
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What Swift cannot call: prctl(2) and syscall(2) take any number of arguments. 0, or what went wrong. */
static inline int gwsniff_give_up_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return errno;
    if (syscall(SYS_capset, &header, none) != 0) return errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    return 0;
}
#else
static inline int gwsniff_give_up_capabilities(void) { return 0; }
#endif

#ifdef __GLIBC__
#include <malloc.h>
/* mallopt(3): a threshold that is set stays what it is; of itself it grows to 32 MiB, and what is smaller is kept. The other one would be 128 KiB
   from then on: the end of the heap would go back to the system, and be asked for again, many times a second. */
static inline void gwsniff_return_large_blocks(int bytes) {
    mallopt(M_MMAP_THRESHOLD, bytes);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
}
#else
static inline void gwsniff_return_large_blocks(int bytes) { (void)bytes; }
#endif
#endif
