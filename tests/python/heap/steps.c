/* A thread that runs no Python code and allocates a block each time it is told to. */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

static sem_t go, done;
static void *kept[9];
static size_t steps;

static void *body(void *ignored)
{
    for (;;) {
        sem_wait(&go);
        kept[steps] = malloc(1000000 + steps * 100000);
        steps++;
        sem_post(&done);
    }
    return ignored;
}

int begin(void)
{
    pthread_t thread;
    sem_init(&go, 0, 0);
    sem_init(&done, 0, 0);
    return pthread_create(&thread, NULL, body, NULL);
}

void step(void)
{
    sem_post(&go);
    sem_wait(&done);
}
