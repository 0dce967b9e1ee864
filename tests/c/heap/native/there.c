/* Found only by whoever has this directory in its RUNPATH. */
int there(void)
{
    return 1;
}
