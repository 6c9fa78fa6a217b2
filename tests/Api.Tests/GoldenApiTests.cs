using System.Reflection;

namespace FunctionalNet.Tests;

public class GoldenApiTests
{
    [Fact]
    public void The_public_members_of_FunctionalNet_are_the_agreed_ones() =>
        Golden.Check("api/FunctionalNet.txt", PublicApi.Describe(Assembly.Load("FunctionalNet")));

    [Fact]
    public void The_public_members_of_the_TensorBoard_package_are_the_agreed_ones() =>
        Golden.Check("api/FunctionalNet.TensorBoard.txt", PublicApi.Describe(Assembly.Load("FunctionalNet.TensorBoard")));
}
